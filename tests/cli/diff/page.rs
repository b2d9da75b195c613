//! The page of `lao diff --format html`: by itself, and as a browser shows it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{super::transcript::Story, different};

const LINE: [&str; 8] =
    ["--project", "one", "diff", "last", "--journal", "two", "--format", "html"];

#[test]
fn it_is_what_it_was() {
    let mut story = different();
    story.lao(&LINE.join(" "));
    story.check("diff_page");
}

#[test]
fn it_needs_nothing_else() {
    let story = different();
    let printed = story.sandbox.run(&LINE);
    assert_eq!(printed.code, Some(10), "{}", printed.stderr);
    let page = printed.stdout;
    for foreign in ["://", "src=", "url(", "@import", "<script", "<link", "<img", "<iframe"] {
        assert!(!page.contains(foreign), "{foreign} in:\n{page}");
    }
    assert!(page.contains("it is &lt;said&gt; once"), "{page}");
    assert!(!page.contains("<said>"), "{page}");
    let written = story.sandbox.run(&[&LINE[..], &["-o", "diff.html"]].concat());
    assert_eq!((written.code, written.stdout.as_str()), (Some(10), ""));
    assert_eq!(fs::read_to_string(story.sandbox.path("diff.html")).unwrap(), page);
}

/// What a browser paints, by name, and whether the paper is light or dark.
const LIGHT: [(&str, [u8; 3]); 3] = [
    ("paper", [0xff, 0xff, 0xff]),
    ("what A says", [0xfd, 0xe8, 0xe8]),
    ("what B says", [0xe4, 0xf5, 0xe6]),
];
const DARK: [(&str, [u8; 3]); 3] = [
    ("paper", [0x16, 0x18, 0x1b]),
    ("what A says", [0x3a, 0x1d, 0x20]),
    ("what B says", [0x17, 0x30, 0x1d]),
];

#[test]
fn a_browser_shows_it_in_light_and_dark() {
    let Some(browser) = browser() else {
        let note = "skipped: no Chromium in PATH or among the browsers of Playwright\n";
        std::io::stderr().write_all(note.as_bytes()).unwrap();
        return;
    };
    let story = different();
    let written = story.sandbox.run(&[&LINE[..], &["-o", "diff.html"]].concat());
    assert_eq!(written.code, Some(10), "{}", written.stderr);
    for (more, colors) in [(&[][..], LIGHT), (&["--force-dark-mode"][..], DARK)] {
        let image = screenshot(&browser, &story, more);
        for (name, color) in colors {
            let found = image.chunks_exact(3).filter(|pixel| **pixel == color).count();
            assert!(found > 1000, "{name} is {found} pixels with {more:?}");
        }
    }
}

/// The page as the browser shows it, as red, green and blue of every pixel.
fn screenshot(browser: &Path, story: &Story, more: &[&str]) -> Vec<u8> {
    let file = story.sandbox.path("page.png");
    let at = |option: &str, path: PathBuf| format!("{option}={}", path.display());
    let output = Command::new(browser)
        .env("HOME", story.sandbox.path("../home"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        .args(["--disable-dev-shm-usage", "--force-color-profile=srgb", "--window-size=1200,1600"])
        .arg(at("--user-data-dir", story.sandbox.path("../tmp/browser")))
        .arg(at("--screenshot", file.clone()))
        .args(more)
        .arg(format!("file://{}", story.sandbox.path("diff.html").display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let image = fs::File::open(&file).unwrap_or_else(|error| panic!("{error}: {said}"));
    let mut decoder = png::Decoder::new(std::io::BufReader::new(image));
    decoder.set_transformations(png::Transformations::STRIP_16 | png::Transformations::EXPAND);
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let samples = frame.color_type.samples();
    assert!(samples >= 3, "in colour");
    pixels.chunks_exact(samples).flat_map(|pixel| pixel[..3].to_vec()).collect()
}

/// A browser that can be started without a screen.
fn browser() -> Option<PathBuf> {
    const NAMES: [&str; 5] =
        ["chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let installed = folders.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    installed.chain(playwright()).find(|path| path.is_file())
}

/// Where Playwright keeps its browsers.
fn playwright() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let Ok(versions) = fs::read_dir(home.join(".cache/ms-playwright")) else {
        return Vec::new();
    };
    let versions = versions.filter_map(Result::ok).map(|version| version.path());
    let places = ["chrome-linux/chrome", "chrome-linux/headless_shell"];
    versions.flat_map(|version| places.map(|place| version.join(place))).collect()
}
