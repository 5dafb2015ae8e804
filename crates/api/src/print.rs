//! What commands print.

/// Prints a line. Where nobody takes it any more (`| head`, a full disk) the command goes on: `println!` would end it in the middle of its work.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}
pub(crate) use say;
