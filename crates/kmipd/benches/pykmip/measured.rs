//! What the rounds of a workload on one server have come to.

use std::time::Duration;

use crate::Fallible;
use crate::servers::Server;
use crate::work::Work;

#[derive(Default)]
pub(crate) struct Measured {
    per_second: Vec<f64>,
    taken: Vec<Duration>,
    cpu: Duration,
}

impl Measured {
    pub(crate) async fn round(
        &mut self,
        work: Work,
        server: &Server,
        time: Duration,
    ) -> Fallible<()> {
        let cpu = server.cpu()?;
        let taken = work.run(server, time).await?;
        self.cpu += server.cpu()?.saturating_sub(cpu);
        self.per_second
            .push(taken.len() as f64 / time.as_secs_f64());
        self.taken.extend(taken);
        Ok(())
    }

    /// Operations per second: the median of the rounds.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.per_second.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// In milliseconds.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.taken.clone();
        sorted.sort();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted
            .get(place)
            .map_or(0.0, |taken| taken.as_secs_f64() * 1e3)
    }

    /// The server's processor time for each operation, in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.taken.len().max(1) as f64
    }
}
