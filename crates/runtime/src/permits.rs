//! Permits: how many calls a model backend serves at once, over all runs and processes.
//!
//! Within the process a semaphore; across processes one lock file a slot, which the system
//! releases when a process dies.

use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often a process looks whether another one gave a slot back.
const SLOT_POLL: Duration = Duration::from_millis(50);

/// The permits of every endpoint.
#[derive(Clone, Default)]
pub struct Permits {
    endpoints: Arc<BTreeMap<String, Arc<Backend>>>,
}

struct Backend {
    places: Arc<Semaphore>,
    slots: Vec<PathBuf>,
}

/// A place at a backend; given back when dropped.
pub(crate) struct Permit {
    _place: Option<OwnedSemaphorePermit>,
    _slot: Option<File>,
}

impl Permits {
    /// Permits for endpoints: name, what identifies the server on this machine (its address),
    /// and how many calls it serves at once. Lock files lie in `folder`, if there is one.
    pub fn new(endpoints: &[(String, String, u32)], folder: Option<&Path>) -> Self {
        let backend = |address: &str, count: u32| {
            let name = blake3::hash(address.as_bytes()).to_hex();
            let slots = folder.map_or_else(Vec::new, |folder| {
                (0..count).map(|slot| folder.join(format!("{}-{slot}.slot", &name[..16]))).collect()
            });
            Arc::new(Backend { places: Arc::new(Semaphore::new(count as usize)), slots })
        };
        let endpoints = endpoints
            .iter()
            .map(|(name, address, count)| (name.clone(), backend(address, (*count).max(1))))
            .collect();
        Self { endpoints: Arc::new(endpoints) }
    }

    /// Waits for a place; an endpoint that was not named has no limit.
    pub(crate) async fn acquire(&self, endpoint: &str) -> Permit {
        let Some(backend) = self.endpoints.get(endpoint) else {
            return Permit { _place: None, _slot: None };
        };
        let place = Arc::clone(&backend.places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let slot = backend.slot().await;
        Permit { _place: Some(place), _slot: slot }
    }
}

impl Backend {
    /// Locks the first free slot. A folder that cannot be used means no limit across processes.
    async fn slot(&self) -> Option<File> {
        loop {
            let mut taken = false;
            for path in &self.slots {
                match try_lock(path) {
                    Ok(Some(file)) => return Some(file),
                    Ok(None) => taken = true,
                    Err(_) => return None,
                }
            }
            if !taken {
                return None;
            }
            tokio::time::sleep(SLOT_POLL).await;
        }
    }
}

fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
