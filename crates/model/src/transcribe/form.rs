//! A form with a file, as `multipart/form-data`: the file goes from the disk to the socket.

use std::{
    collections::hash_map::RandomState,
    fmt::Write,
    hash::{BuildHasher, Hasher},
    io,
};

use bytes::Bytes;
use futures_util::stream;
use reqwest::Body;
use tokio::{fs::File, io::AsyncReadExt};

use crate::transport::BodyError;

const CHUNK_BYTES: usize = 64 * 1024;

/// Fields, before the file is added.
#[derive(Debug)]
pub(super) struct Form {
    boundary: String,
    head: String,
}

/// A form that can be sent.
pub(super) struct Filled {
    /// The value of the header with the boundary.
    pub(super) content_type: String,
    /// The size of the body.
    pub(super) size_bytes: u64,
    /// The body.
    pub(super) body: Body,
}

impl Form {
    /// A form without fields. Its boundary is drawn, so that no file can be made to contain it.
    pub(super) fn new() -> Self {
        let draw = || RandomState::new().build_hasher().finish();
        Self { boundary: format!("lao-{:016x}{:016x}", draw(), draw()), head: String::new() }
    }

    /// Adds a field.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        self.part(&head);
    }

    fn part(&mut self, part: &str) {
        write!(self.head, "--{}\r\n{part}", self.boundary).expect("a text takes any other");
    }

    /// Adds the file, which has so many bytes, as the last field.
    pub(super) fn with_file(mut self, name: &str, file: File, size_bytes: u64) -> Filled {
        self.part(&format!(
            "Content-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n",
            escaped(name)
        ));
        let boundary = &self.boundary;
        let tail = format!("\r\n--{boundary}--\r\n");
        let around = u64::try_from(self.head.len() + tail.len()).expect("fields are short");
        Filled {
            content_type: format!("multipart/form-data; boundary={boundary}"),
            size_bytes: around + size_bytes,
            body: body(self.head, file, size_bytes, tail),
        }
    }
}

/// What is sent next.
enum Next {
    Head(String),
    File,
    End,
}

/// A file that changes on the way ends the request: its size was promised.
fn body(head: String, file: File, size_bytes: u64, tail: String) -> Body {
    let begin = (Next::Head(head), file, size_bytes, tail);
    Body::wrap_stream(stream::try_unfold(begin, async |(next, mut file, left, tail)| match next {
        Next::Head(head) => Ok(Some((Bytes::from(head), (Next::File, file, left, tail)))),
        Next::File if left == 0 => {
            let end = Bytes::from(tail);
            Ok(Some((end, (Next::End, file, 0, String::new()))))
        }
        Next::File => {
            let wanted = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            let mut chunk = vec![0; wanted];
            let read = file.read(&mut chunk).await.map_err(BodyError)?;
            if read == 0 {
                let error = io::Error::other("the file became shorter while it was sent");
                return Err(BodyError(error));
            }
            chunk.truncate(read);
            let left = left - u64::try_from(read).expect("a chunk is small");
            Ok(Some((Bytes::from(chunk), (Next::File, file, left, tail))))
        }
        Next::End => Ok(None),
    }))
}

/// A name as browsers write it into a quoted string.
fn escaped(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}
