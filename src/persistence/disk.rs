//! A thread for what would block the loop: files are read, written and synced there.
//!
//! The loop hands it jobs, and it hands back reports. Jobs are done in their order, one at a time. A report wakes the
//! loop, which reads it at the beginning of the turn that this causes. What a job is and how it is done says a
//! [`Worker`], which lives on the thread and has the files; the thread itself knows none.
//!
//! The thread starts with its first job, so that a server that keeps no files has none. It ends when this is dropped,
//! after the jobs that it was given by then, or when a job panics. The jobs behind that one are lost, and the loop is woken
//! and told ([`Ended`]), so that nothing waits for a report that will not come. The next job starts another thread.
//!
//! What waits is counted in bytes, so that the loop can pause when it hands over more than is written
//! ([`Jobs::waiting`]). It is woken when few bytes wait again.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::{self, JoinHandle};

use crate::world::Waker;

/// When fewer bytes than this wait again, the loop is woken: it has paused because too many did.
const FEW: usize = 4 << 20;

/// Does the jobs of a thread.
pub(crate) trait Worker: Send + 'static {
    type Job: Send + 'static;
    type Report: Send + 'static;

    /// Does one job, and reports any number of times.
    fn work(&mut self, job: Self::Job, report: &mut dyn FnMut(Self::Report));
}

/// The loop's end of the thread.
pub(crate) struct DiskThread<W: Worker> {
    /// What debuggers and the system call the thread: 15 bytes at most.
    name: &'static str,
    waker: Waker,
    running: Option<Running<W>>,
}

/// A job has panicked: the thread is gone, and the jobs behind that one are not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended;

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the thread that writes files has ended")
    }
}

/// Hands jobs to a thread. After its end they go nowhere.
pub(crate) struct Jobs<J> {
    sender: Sender<Message<J>>,
    waiting: Arc<AtomicUsize>,
}

struct Running<W: Worker> {
    jobs: Jobs<W::Job>,
    reports: Receiver<W::Report>,
    thread: Option<JoinHandle<()>>,
}

enum Message<J> {
    Job {
        job: J,
        /// So many bytes wait no longer when it is done.
        bytes: usize,
    },
    /// All jobs before this are done when it is answered.
    Echo(Sender<()>),
    /// There is nothing more to do.
    End,
    #[cfg(test)]
    Panic,
}

/// Wakes the loop when it is dropped.
struct WakeAtEnd(Waker);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl<W: Worker> DiskThread<W> {
    /// A thread that will start with its first job. Its reports wake a loop with `waker`.
    pub(crate) fn new(name: &'static str, waker: Waker) -> DiskThread<W> {
        DiskThread { name, waker, running: None }
    }

    /// What jobs are handed over with. `worker` makes what does them, if the thread does not run yet.
    pub(crate) fn jobs(&mut self, worker: impl FnOnce() -> W) -> io::Result<Jobs<W::Job>> {
        if let Some(running) = &self.running {
            return Ok(running.jobs.clone());
        }
        let running = Running::start(self.name, self.waker.clone(), worker())?;
        Ok(self.running.insert(running).jobs.clone())
    }

    /// Hands over a job: see [`Jobs::hand`].
    #[cfg(test)]
    pub(crate) fn hand(
        &mut self,
        worker: impl FnOnce() -> W,
        job: W::Job,
        bytes: usize,
    ) -> io::Result<()> {
        self.jobs(worker)?.hand(job, bytes)
    }

    /// The next report, if there is one. The error, behind the last report and told once, is that the thread has ended.
    pub(crate) fn take(&mut self) -> Option<Result<W::Report, Ended>> {
        match self.running.as_ref()?.reports.try_recv() {
            Ok(report) => Some(Ok(report)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                self.running = None;
                Some(Err(Ended))
            }
        }
    }

    /// Waits until all jobs are done that have been handed over. Their reports are there then.
    ///
    /// # Errors
    /// If the thread has ended before that.
    pub(crate) fn catch_up(&self) -> Result<(), Ended> {
        let Some(running) = &self.running else { return Ok(()) };
        let (tell, told) = mpsc::channel();
        running.jobs.send(Message::Echo(tell)).map_err(|_| Ended)?;
        told.recv().map_err(|_| Ended)
    }

    /// Has the thread panic behind the jobs that it was given, and waits for that.
    #[cfg(test)]
    pub(crate) fn panics(&self) {
        if let Some(running) = &self.running {
            running.jobs.send(Message::Panic).unwrap();
        }
        assert_eq!(self.catch_up(), Err(Ended));
        // The jobs' channel is closed before that of the reports.
        let thread = self.running.as_ref().and_then(|running| running.thread.as_ref());
        while thread.is_some_and(|thread| !thread.is_finished()) {
            thread::yield_now();
        }
    }
}

impl<J> Jobs<J> {
    /// Hands over a job, which holds so many bytes that wait to be written. The error is that there is no thread any
    /// more: its worker has panicked, or the server is leaving.
    pub(crate) fn hand(&self, job: J, bytes: usize) -> io::Result<()> {
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        self.send(Message::Job { job, bytes })
    }

    /// How many bytes have been handed over and are in jobs that are not done.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn send(&self, message: Message<J>) -> io::Result<()> {
        self.sender.send(message).map_err(|_| io::Error::other(Ended.to_string()))
    }
}

impl<J> Clone for Jobs<J> {
    fn clone(&self) -> Jobs<J> {
        Jobs { sender: self.sender.clone(), waiting: self.waiting.clone() }
    }
}

impl<W: Worker> Running<W> {
    fn start(name: &'static str, waker: Waker, worker: W) -> io::Result<Running<W>> {
        let (sender, received) = mpsc::channel();
        let (tell, reports) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let jobs = Jobs { sender, waiting: waiting.clone() };
        let run = move || {
            // It is dropped when the channels are closed, whether the thread panics or not: the loop sees that then.
            let _at_end = WakeAtEnd(waker.clone());
            serve(worker, received, tell, &waiting, &waker);
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Running { jobs, reports, thread: Some(thread) })
    }
}

/// Does jobs until there is nothing more to do.
fn serve<W: Worker>(
    mut worker: W,
    received: Receiver<Message<W::Job>>,
    tell: Sender<W::Report>,
    waiting: &AtomicUsize,
    waker: &Waker,
) {
    for message in received {
        let (job, bytes) = match message {
            Message::Job { job, bytes } => (job, bytes),
            Message::Echo(tell) => {
                let _ = tell.send(());
                continue;
            }
            Message::End => break,
            #[cfg(test)]
            Message::Panic => panic!("a job panics"),
        };
        worker.work(job, &mut |report| {
            // If nothing listens the loop has ended.
            if tell.send(report).is_ok() {
                waker();
            }
        });
        let before = waiting.fetch_sub(bytes, Ordering::Relaxed);
        if before >= FEW && before - bytes < FEW {
            waker();
        }
    }
}

impl<W: Worker> Drop for Running<W> {
    /// What was handed over is done before the server is gone.
    fn drop(&mut self) {
        // An error is a worker that has panicked, and then the thread has ended.
        let _ = self.jobs.send(Message::End);
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            log::error!("the thread that writes files has panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Adds up what it is told.
    struct Sum(usize);

    impl Worker for Sum {
        type Job = usize;
        type Report = usize;

        fn work(&mut self, job: usize, report: &mut dyn FnMut(usize)) {
            assert!(job < 1000, "too much");
            self.0 += job;
            report(self.0);
        }
    }

    /// A thread, and how often it has woken the loop.
    fn thread() -> (DiskThread<Sum>, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let waker: Waker = Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        (DiskThread::new("sum", waker), woken)
    }

    #[test]
    fn jobs_are_done_in_their_order_and_every_report_wakes_the_loop() {
        let (mut disk, woken) = thread();
        assert_eq!(disk.take(), None);
        (1..4).for_each(|job| disk.hand(|| Sum(0), job, job).unwrap());
        disk.catch_up().unwrap();
        assert_eq!([(); 4].map(|()| disk.take()), [Some(Ok(1)), Some(Ok(3)), Some(Ok(6)), None]);
        let waiting = disk.jobs(|| Sum(0)).unwrap().waiting();
        assert_eq!((waiting, woken.load(Ordering::Relaxed)), (0, 3));
    }

    #[test]
    fn the_loop_is_woken_when_few_bytes_wait() {
        let (mut disk, woken) = thread();
        disk.hand(|| Sum(0), 1, FEW).unwrap();
        disk.catch_up().unwrap();
        assert_eq!(woken.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_was_handed_over_is_done_before_the_thread_ends() {
        let (mut disk, woken) = thread();
        (0..100).for_each(|job| disk.hand(|| Sum(0), job, 0).unwrap());
        drop(disk);
        // The reports are not taken, and were made all the same until the loop's end was gone. Its end wakes the loop, too.
        assert_eq!(woken.load(Ordering::Relaxed), 101);
    }

    #[test]
    fn a_thread_that_panics_wakes_the_loop_which_is_told_and_the_next_job_starts_another() {
        let (wake, woken) = mpsc::channel();
        let wake = std::sync::Mutex::new(wake);
        let waker: Waker = Arc::new(move || wake.lock().unwrap().send(()).unwrap());
        let mut disk = DiskThread::new("sum", waker);
        disk.hand(|| Sum(0), 1, 0).unwrap();
        let sleep = || woken.recv_timeout(Duration::from_secs(60)).expect("the loop is woken");
        sleep();
        disk.hand(|| Sum(0), 1000, FEW).unwrap();
        sleep();
        assert_eq!([(); 3].map(|()| disk.take()), [Some(Ok(1)), Some(Err(Ended)), None]);
        disk.hand(|| Sum(0), 2, 0).unwrap();
        disk.catch_up().unwrap();
        assert_eq!(disk.take(), Some(Ok(2)));
    }

    #[test]
    fn a_thread_that_has_panicked_is_not_waited_for() {
        let (mut disk, _) = thread();
        disk.hand(|| Sum(0), 1000, 0).unwrap();
        assert_eq!(disk.catch_up(), Err(Ended));
        assert!(disk.hand(|| Sum(0), 1, 0).is_err());
        assert_eq!(disk.catch_up(), Err(Ended));
    }
}
