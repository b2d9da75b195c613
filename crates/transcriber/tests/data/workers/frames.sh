# What the playing workers say: `frame JSON` writes one frame, for texts below 64 KiB.
frame() {
    size=$(printf %s "$1" | wc -c)
    printf "\\$(printf %03o $((size % 256)))\\$(printf %03o $((size / 256)))\\000\\000"
    printf %s "$1"
}

greet() {
    frame '{"hello":{"program":"lao-whisper","version":1}}'
}

# Reads the request, so that nobody is cut off in the middle of it: up to its last brace.
listen() {
    dd bs=65536 count=1 2>/dev/null >/dev/null
}
