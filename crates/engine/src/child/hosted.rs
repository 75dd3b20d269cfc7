//! Process that hosts the ClickHouse library.
#![expect(unsafe_code, reason = "a C library is loaded and called")]

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_void};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use rustix::io::FdFlags;
use rustix::process::Signal;

use super::report::{KILL, ReportLine};

/// Calls the command line of the library with the arguments.
///
/// The engine serves until its standard input ends. That input is a private pipe, not the lifeline.
/// A thread watches the lifeline and closes the pipe when the parent is gone. It kills the process
/// if the engine has not ended after the grace time.
pub(super) fn run(grace: Duration, library: &OsStr, args: impl Iterator<Item = OsString>) -> i32 {
    let (mut reports, lifeline, hold) = match rewire() {
        Ok(pipes) => pipes,
        Err(_) => return 1,
    };
    ReportLine::Pid(std::process::id()).send(&mut reports);
    std::thread::spawn(move || obey(lifeline, hold, grace));
    match call(library, args) {
        Ok(()) => 0,
        Err(text) => {
            ReportLine::Error(text).send(&mut reports);
            1
        }
    }
}

/// Moves the report pipe and the lifeline out of the library's reach. Standard output becomes the
/// log. Standard input becomes a pipe, whose other end is returned.
fn rewire() -> io::Result<(File, File, OwnedFd)> {
    let reports = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    let lifeline = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    let (input, hold) = rustix::pipe::pipe()?;
    rustix::io::fcntl_setfd(&input, FdFlags::CLOEXEC)?;
    rustix::io::fcntl_setfd(&hold, FdFlags::CLOEXEC)?;
    rustix::stdio::dup2_stdin(&input)?;
    Ok((File::from(reports), File::from(lifeline), hold))
}

fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
}

/// Waits for the kill command or the end of the lifeline, then stops the engine.
fn obey(lifeline: File, hold: OwnedFd, grace: Duration) {
    for line in BufReader::new(lifeline).lines().map_while(Result::ok) {
        if line == KILL {
            die();
        }
    }
    drop(hold);
    std::thread::sleep(grace);
    die();
}

type QueryCmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;
type ResultError = unsafe extern "C" fn(*mut c_void) -> *const c_char;

/// Loads the library and runs its command line to the end.
fn call(library: &OsStr, args: impl Iterator<Item = OsString>) -> Result<(), String> {
    let words = std::iter::once(OsString::from("clickhouse"))
        .chain(args)
        .map(|arg| CString::new(arg.into_vec()).map_err(|error| error.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    let count = c_int::try_from(words.len()).map_err(|error| error.to_string())?;
    let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());

    // SAFETY: the file was verified by checksum, so its initialisers are those of the pinned
    // version. No other thread of this process touches the state that they set up.
    let library = unsafe { libloading::Library::new(library) }.map_err(|e| e.to_string())?;
    // Never unloaded: some threads of the library outlive the call and need its code.
    let library = std::mem::ManuallyDrop::new(library);
    // SAFETY: the types match the C header of the pinned version.
    let (query, result_error) = unsafe {
        let query = library.get::<QueryCmdline>(b"chdb_query_cmdline\0");
        let error = library.get::<ResultError>(b"chdb_result_error\0");
        (
            query.map_err(|e| e.to_string())?,
            error.map_err(|e| e.to_string())?,
        )
    };
    // SAFETY: `argv` is a null-terminated array of `count` C strings that outlive the call.
    let result = unsafe { query(count, argv.as_mut_ptr()) };
    if result.is_null() {
        return Err("the library returned no result".to_owned());
    }
    // SAFETY: `result` came from this library and has not been destroyed.
    let error = unsafe { result_error(result) };
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: the library returns a C string that lives as long as its result.
    Err(unsafe { CStr::from_ptr(error) }
        .to_string_lossy()
        .into_owned())
}
