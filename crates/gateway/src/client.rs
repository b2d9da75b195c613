//! The client's side of a run's socket.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use lao_history::RunFolder;
use lao_protocol::{PROTOCOL_VERSION, Reply, Request, Update};
use tokio::{
    io::{BufReader, ReadHalf, WriteHalf},
    time::timeout,
};

use crate::{
    line::{self, Line},
    socket::{self, Stream},
};

/// How long a process may take to take a call and say who it is.
const HELLO_WAIT: Duration = Duration::from_secs(2);

/// How long a process may take to answer.
const REPLY_WAIT: Duration = Duration::from_secs(20);

/// The longest reply, in bytes: a step's inside with its whole conversation.
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A run's process cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens: no process works on the run.
    #[error("no process listens on {}", path.display())]
    NotLive {
        /// The socket.
        path: PathBuf,
    },
    /// The process is of another version.
    #[error(
        "process {pid} runs lao {program}, which speaks version {theirs} of the protocol, and \
         this lao speaks {PROTOCOL_VERSION}: use the same lao, or wait for the run to end"
    )]
    OtherProtocol {
        /// The process.
        pid: u32,
        /// Its version.
        program: String,
        /// The version of its protocol.
        theirs: u32,
    },
    /// The process does not answer.
    #[error("the process behind {} does not answer", path.display())]
    TimedOut {
        /// The socket.
        path: PathBuf,
    },
    /// The process ended, or closed the connection.
    #[error("the process behind {} has gone", path.display())]
    Gone {
        /// The socket.
        path: PathBuf,
    },
    /// What came is not of the protocol.
    #[error("what came from {} is not of the protocol: {problem}", path.display())]
    Garbage {
        /// The socket.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The process says no.
    #[error("the run's process refused: {message}")]
    Refused {
        /// Why, in its words.
        message: String,
    },
    /// The system refuses.
    #[error("cannot use {}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A connection to a run's process.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    reader: BufReader<ReadHalf<Stream>>,
    writer: WriteHalf<Stream>,
    run: String,
    program: String,
    pid: u32,
}

impl Client {
    /// Connects and checks that both sides speak the same protocol.
    ///
    /// # Errors
    ///
    /// [`ClientError::NotLive`] where nobody listens.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        match timeout(HELLO_WAIT, Self::greet(path)).await {
            Ok(client) => client,
            Err(_) => Err(ClientError::TimedOut { path: path.to_owned() }),
        }
    }

    async fn greet(path: &Path) -> Result<Self, ClientError> {
        let stream = socket::connect(path).await.map_err(|source| {
            let path = path.to_owned();
            if is_nobody(&source) {
                ClientError::NotLive { path }
            } else {
                ClientError::Io { path, source }
            }
        })?;
        let (reader, writer) = tokio::io::split(stream);
        let mut client = Self {
            path: path.to_owned(),
            reader: BufReader::new(reader),
            writer,
            run: String::new(),
            program: String::new(),
            pid: 0,
        };
        match client.reply().await? {
            Reply::Hello { protocol, program, run, pid } if protocol == PROTOCOL_VERSION => {
                client.run = run;
                client.program = program;
                client.pid = pid;
                Ok(client)
            }
            Reply::Hello { protocol, program, run: _, pid } => {
                Err(ClientError::OtherProtocol { pid, program, theirs: protocol })
            }
            Reply::Rejected { message } => Err(client.garbage(message)),
            Reply::Status(_) | Reply::Step(_) | Reply::Update(_) | Reply::Done => {
                Err(client.garbage("it does not begin with a greeting".to_owned()))
            }
        }
    }

    /// The run that the process works on.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its version.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Asks, and waits for the answer. Not for [`Request::Follow`] and [`Request::Events`], which
    /// have many: see [`Client::follow`] and [`Client::events`].
    pub async fn request(&mut self, request: &Request) -> Result<Reply, ClientError> {
        self.send(request).await?;
        self.reply_in_time().await
    }

    /// Has the process copy its journal into a folder that is there. Waits as long as that takes:
    /// a long journal is read and written whole.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with what the process says.
    pub async fn backup(&mut self, folder: &Path) -> Result<(), ClientError> {
        self.send(&Request::Backup { folder: folder.to_owned() }).await?;
        match self.reply().await? {
            Reply::Done => Ok(()),
            Reply::Rejected { message } => Err(ClientError::Refused { message }),
            Reply::Hello { .. } | Reply::Status(_) | Reply::Step(_) | Reply::Update(_) => {
                Err(self.garbage("a copy was asked for".to_owned()))
            }
        }
    }

    /// The events from a position (the first is 1) up to now, shown to `visit` one by one.
    ///
    /// # Errors
    ///
    /// What `visit` returns, or that the process cannot be asked.
    pub async fn events<E: From<ClientError>>(
        &mut self,
        from: u64,
        mut visit: impl FnMut(lao_protocol::EventView) -> Result<(), E>,
    ) -> Result<(), E> {
        self.send(&Request::Events { from }).await?;
        loop {
            match self.reply_in_time().await? {
                Reply::Update(update) => match *update {
                    Update::Event(event) => visit(event)?,
                    Update::Tokens { .. }
                    | Update::Transcribed { .. }
                    | Update::Retrying { .. }
                    | Update::Waiting { .. }
                    | Update::DiskSlow { .. }
                    | Update::DiskCaughtUp { .. }
                    | Update::WorkerRestarted { .. }
                    | Update::Finished(_) => {}
                },
                Reply::Done => return Ok(()),
                Reply::Rejected { message } => return Err(self.garbage(message).into()),
                Reply::Hello { .. } | Reply::Status(_) | Reply::Step(_) => {
                    let problem = "events were asked for".to_owned();
                    return Err(self.garbage(problem).into());
                }
            }
        }
    }

    /// Every event from a position on (the first is 1), then updates until the process is done
    /// with the run.
    pub async fn follow(mut self, from: u64) -> Result<Follow, ClientError> {
        self.send(&Request::Follow { from }).await?;
        Ok(Follow { client: self, is_over: false })
    }

    async fn send(&mut self, request: &Request) -> Result<(), ClientError> {
        let written = timeout(REPLY_WAIT, line::write(&mut self.writer, request)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(error)),
            Err(_) => Err(ClientError::TimedOut { path: self.path.clone() }),
        }
    }

    async fn reply_in_time(&mut self) -> Result<Reply, ClientError> {
        match timeout(REPLY_WAIT, self.reply()).await {
            Ok(reply) => reply,
            Err(_) => Err(ClientError::TimedOut { path: self.path.clone() }),
        }
    }

    async fn reply(&mut self) -> Result<Reply, ClientError> {
        match line::read(&mut self.reader, REPLY_BYTES_MAX).await {
            Ok(Line::Whole(line)) => {
                serde_json::from_slice(&line).map_err(|error| self.garbage(error.to_string()))
            }
            Ok(Line::TooLong) => {
                Err(self.garbage(format!("a line of more than {REPLY_BYTES_MAX} bytes")))
            }
            Ok(Line::End) => Err(ClientError::Gone { path: self.path.clone() }),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn garbage(&self, problem: String) -> ClientError {
        ClientError::Garbage { path: self.path.clone(), problem }
    }

    fn failed(&self, source: io::Error) -> ClientError {
        let path = self.path.clone();
        let kind = source.kind();
        if matches!(kind, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) {
            ClientError::Gone { path }
        } else {
            ClientError::Io { path, source }
        }
    }
}

/// Nobody listens: there is no socket, or one that a dead process left.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::Unsupported
    )
}

/// The updates of a run that another process works on.
#[derive(Debug)]
pub struct Follow {
    client: Client,
    is_over: bool,
}

impl Follow {
    /// The next update; `None` after [`Update::Finished`].
    ///
    /// # Errors
    ///
    /// [`ClientError::Gone`] when the process ended without a word.
    pub async fn next(&mut self) -> Result<Option<Update>, ClientError> {
        if self.is_over {
            return Ok(None);
        }
        match self.client.reply().await? {
            Reply::Update(update) => {
                self.is_over = matches!(*update, Update::Finished(_));
                Ok(Some(*update))
            }
            Reply::Rejected { message } => Err(self.client.garbage(message)),
            Reply::Hello { .. } | Reply::Status(_) | Reply::Step(_) | Reply::Done => {
                Err(self.client.garbage("updates were asked for".to_owned()))
            }
        }
    }
}

/// Connects to the process that works on a run; `None` when there is none.
///
/// # Errors
///
/// There is one, and it cannot be asked.
pub async fn live(folder: &RunFolder) -> Result<Option<Client>, ClientError> {
    let Ok(manifest) = folder.manifest() else {
        return Ok(None);
    };
    let Some(path) = manifest.socket else {
        return Ok(None);
    };
    match Client::connect(&path).await {
        Ok(client) if client.run == folder.run.as_str() => Ok(Some(client)),
        Ok(_) | Err(ClientError::NotLive { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
