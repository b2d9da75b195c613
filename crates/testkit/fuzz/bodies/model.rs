//! Streams of model servers: the same answer however they are cut, or the same fault.

use lao_model::{ANSWER_BYTES_MAX, Accumulator, Collected, SseParser, StreamFault};

/// The first byte is the size of the pieces that come in, the rest the stream.
pub(crate) fn stream(data: &[u8]) {
    let Some((size, stream)) = data.split_first() else { return };
    let whole = collect(stream, stream.len().max(1));
    let cut = collect(stream, usize::from(*size).max(1));
    assert_eq!(whole, cut);
    if let Ok(collected) = whole {
        assert!(collected.text.len() + collected.reasoning.len() <= ANSWER_BYTES_MAX);
    }
}

fn collect(stream: &[u8], piece_bytes: usize) -> Result<Collected, StreamFault> {
    let mut parser = SseParser::new();
    let mut answer = Accumulator::new();
    let mut fault = None;
    let mut take = |frame: lao_model::Frame<'_>| {
        if fault.is_none() {
            fault = answer.take(frame).err();
        }
    };
    for piece in stream.chunks(piece_bytes) {
        parser.push(piece, &mut take).expect("it is shorter than a frame may be");
    }
    parser.finish(&mut take).expect("it is shorter than a frame may be");
    fault.map_or_else(|| answer.finish(), Err)
}

/// A whole answer as JSON, as servers send it that do not stream.
pub(crate) fn whole(data: &[u8]) {
    let mut answer = Accumulator::new();
    if answer.take_json(data).is_ok() {
        answer.take_end_of_whole();
        // What is no UTF-8 becomes three bytes for each.
        assert!(answer.bytes() <= 3 * data.len(), "nothing is made up");
        drop(answer.finish());
    }
}
