//! The time of day, which comes from outside: it is only told and compared, and nothing depends on it.

use std::{fmt, sync::Arc};

/// Says what time it is. The default tells none, and then peers are told none.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that reads milliseconds since the Unix epoch.
    pub fn new(read: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Milliseconds since the Unix epoch; 0 when it tells no time.
    pub(crate) fn now_ms(&self) -> u64 {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(|| 0)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock(at {} ms)", self.now_ms())
    }
}
