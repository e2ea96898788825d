//! The `secondlook` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    secondlook::cli::main()
}
