//! Languages as servers name them: by code, or by name in English.

/// The languages that whisper knows, each with its code.
const LANGUAGES: &str = "\
    english=en chinese=zh german=de spanish=es russian=ru korean=ko french=fr japanese=ja \
    portuguese=pt turkish=tr polish=pl catalan=ca dutch=nl arabic=ar swedish=sv italian=it \
    indonesian=id hindi=hi finnish=fi vietnamese=vi hebrew=he ukrainian=uk greek=el malay=ms \
    czech=cs romanian=ro danish=da hungarian=hu tamil=ta norwegian=no thai=th urdu=ur croatian=hr \
    bulgarian=bg lithuanian=lt latin=la maori=mi malayalam=ml welsh=cy slovak=sk telugu=te \
    persian=fa latvian=lv bengali=bn serbian=sr azerbaijani=az slovenian=sl kannada=kn \
    estonian=et macedonian=mk breton=br basque=eu icelandic=is armenian=hy nepali=ne mongolian=mn \
    bosnian=bs kazakh=kk albanian=sq swahili=sw galician=gl marathi=mr punjabi=pa sinhala=si \
    khmer=km shona=sn yoruba=yo somali=so afrikaans=af occitan=oc georgian=ka belarusian=be \
    tajik=tg sindhi=sd gujarati=gu amharic=am yiddish=yi lao=lo uzbek=uz faroese=fo pashto=ps \
    turkmen=tk nynorsk=nn maltese=mt sanskrit=sa luxembourgish=lb myanmar=my tibetan=bo \
    tagalog=tl malagasy=mg assamese=as tatar=tt hawaiian=haw lingala=ln hausa=ha bashkir=ba \
    javanese=jw sundanese=su cantonese=yue haitian=ht";

/// The code of a language.
pub(super) fn code(told: &str) -> Option<String> {
    let told = told.trim().to_lowercase();
    let mut pairs = LANGUAGES.split_whitespace().filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(name, code)| *name == told || *code == told);
    found.map(|(_, code)| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn names_and_codes_come_to_codes() {
        for (told, expected) in [
            ("en", Some("en")),
            ("German", Some("de")),
            ("ht", Some("ht")),
            ("klingon", None),
            ("cantonese", Some("yue")),
            ("", None),
            ("=", None),
        ] {
            assert_eq!(code(told).as_deref(), expected, "{told}");
        }
    }
}
