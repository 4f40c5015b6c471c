//! How far the demo is, for the person who waits: a bar on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A bar that counts to a known end.
pub(crate) struct Progress {
    bar: ProgressBar,
    title: &'static str,
    plain: bool,
}

impl Progress {
    pub(crate) fn new(title: &'static str, length: usize, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let length = u64::try_from(length).expect("a length fits in 64 bits");
        let bar = if quiet || !terminal { ProgressBar::hidden() } else { ProgressBar::new(length) };
        bar.set_length(length);
        let style = ProgressStyle::with_template("{msg:>22} {bar:40} {pos}/{len} {per_sec} {eta}");
        bar.set_style(style.expect("the template is well formed"));
        bar.set_message(title);
        Self { bar, title, plain: !quiet && !terminal }
    }

    pub(crate) fn advance(&self, by: u64) {
        let before = self.bar.position();
        self.bar.inc(by);
        let length = self.bar.length().unwrap_or(0).max(1);
        let tenth = |position: u64| position * 10 / length;
        if self.plain && tenth(before) != tenth(before + by) {
            eprintln!("{}: {} of {length}", self.title, before + by);
        }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
