//! The metrics: every name, label and meaning, and nothing else. Their values are those of the status.
//!
//! Labels take values from small fixed sets, or from the ports that the configuration allows, so that no client and
//! no firmware can make their number grow.

use std::fmt;

use amtd_apf::Class;
use amtd_mei::LinkState;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, NoLabelSet, text},
    metrics::MetricType,
    registry::Registry,
};

use crate::status::{PortState, Queue, Readiness, Status, Times};

/// The media type of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics in OpenMetrics text.
pub(crate) fn encode(status: Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("amtd");
    registry.register_collector(Box::new(Metrics(status)));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Metrics(Status);

impl Collector for Metrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let out = &mut Out(encoder);
        let Self(status) = self;
        daemon(out, status)?;
        link(out, status)?;
        service(out, status)?;
        classes(out, status)?;
        jobs(out, status)?;
        let counters = &status.counters;
        out.counters("apf", counters.apf.rows())?;
        out.counters("mux", counters.mux.rows())?;
        out.counters("driver", counters.driver.rows())?;
        out.counters("front", counters.front.rows())
    }
}

fn daemon(out: &mut Out<'_>, status: &Status) -> fmt::Result {
    let ready = status.readiness() == Readiness::Ready;
    let health = status.health.iter();
    let health =
        health.map(|condition| ([("code", condition.code), ("severity", condition.severity.name())], 1));
    out.info("build", "The daemon", &[("version", status.version)])?;
    out.gauge(
        "start_time_seconds",
        "When the daemon started, in Unix time",
        status.started_at.unix_seconds(),
    )?;
    out.gauge("ready", "Whether clients are served", u64::from(ready))?;
    out.gauge(
        "stale_seconds",
        "Age of these values when the driver does not answer",
        status.stale_seconds.unwrap_or(0),
    )?;
    out.gauges("health", "What needs attention, by code", health)
}

fn link(out: &mut Out<'_>, status: &Status) -> fmt::Result {
    let link = &status.link;
    let states =
        LinkState::ALL.iter().map(|state| ([("state", state.name())], u64::from(*state == link.state)));
    out.gauges("link_state", "Where the connection to the device stands: 1 for its state", states)?;
    out.gauge("link_ready", "Whether there is a session with firmware", u64::from(link.ready))?;
    out.counter("link_connects", "Connections made to the device", link.connects)?;
    let firmware = &status.firmware;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let labels = [
        ("version", text(&firmware.version)),
        ("build", text(&firmware.build)),
        ("sku", text(&firmware.sku)),
        ("control_mode", text(&firmware.control_mode)),
        ("provisioning_state", text(&firmware.provisioning_state)),
    ];
    out.info("firmware", "The firmware", &labels)
}

fn service(out: &mut Out<'_>, status: &Status) -> fmt::Result {
    let ports = status.ports.iter();
    let ports =
        ports.map(|port| ([("port", port.port.to_string())], u64::from(port.state != PortState::Failed)));
    out.gauges("port_listening", "Whether the port is open", ports)?;
    let slots = &status.slots;
    let used = [("opening", slots.opening), ("open", slots.open), ("closing", slots.closing)];
    out.gauge("slot_limit", "Channel slots that firmware is believed to have", slots.limit)?;
    out.gauges("slots", "Channel slots in use", used.map(|(state, count)| ([("state", state)], count)))?;
    let channels = Class::ALL.iter().map(|class| {
        let count = status.channels.iter().filter(|channel| channel.class == *class).count();
        ([("class", class.name())], count)
    });
    out.gauges("channels", "Channels of the session with firmware", channels)?;
    out.gauge("connections", "Client connections", status.connections.current)?;
    let stages = status.connections.by_stage.iter().map(|(stage, count)| ([("stage", *stage)], *count));
    out.gauges("connections_at", "Client connections by the stage of their request", stages)
}

fn classes(out: &mut Out<'_>, status: &Status) -> fmt::Result {
    let class = |queue: &Queue| [("class", queue.class.name())];
    let rows = || status.queues.iter();
    out.gauges(
        "queue_depth",
        "Requests that wait for their turn",
        rows().map(|row| (class(row), row.depth)),
    )?;
    let admitted = rows().map(|row| (class(row), row.admitted));
    out.counter_family("requests_admitted", "Requests handed to firmware", admitted)?;
    let demoted = rows().map(|row| (class(row), row.demoted));
    out.counter_family("requests_demoted", "Requests served in a lower class than they came in", demoted)?;
    let missed = rows().map(|row| (class(row), row.missed));
    out.counter_family(
        "requests_missed",
        "Requests refused because their turn did not come in time",
        missed,
    )?;
    let waited = rows().map(|row| (class(row), &row.waited));
    out.histograms("request_wait_seconds", "From a request to its hand-over to firmware", waited)?;
    let executed = rows().map(|row| (class(row), &row.executed));
    out.histograms(
        "request_execution_seconds",
        "From the hand-over to the first byte of the answer",
        executed,
    )
}

fn jobs(out: &mut Out<'_>, status: &Status) -> fmt::Result {
    let jobs = &status.jobs;
    let states = [("queued", jobs.queued), ("running", jobs.running)];
    out.gauges("jobs", "Jobs that have not ended", states.map(|(state, count)| ([("state", state)], count)))?;
    let ended = jobs.ended.iter();
    let ended = ended.map(|row| ([("kind", row.kind), ("verdict", row.verdict)], row.count));
    out.counter_family("jobs_ended", "Jobs that have ended, by kind and verdict", ended)?;
    let usable = u64::from(jobs.journal_error.is_none());
    out.gauge("jobs_journal_usable", "Whether jobs that change the device can be written down", usable)
}

/// Writes whole metric families.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn gauge(&mut self, name: &str, meaning: &str, value: impl TryInto<u64>) -> fmt::Result {
        self.0.encode_descriptor(name, meaning, None, MetricType::Gauge)?.encode_gauge(&number(value))
    }

    fn gauges<V: EncodeLabelSet, N: TryInto<u64>>(
        &mut self,
        name: &str,
        meaning: &str,
        rows: impl IntoIterator<Item = (V, N)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, meaning, None, MetricType::Gauge)?;
        rows.into_iter()
            .try_for_each(|(labels, value)| family.encode_family(&labels)?.encode_gauge(&number(value)))
    }

    fn counter_family<V: EncodeLabelSet>(
        &mut self,
        name: &str,
        meaning: &str,
        rows: impl IntoIterator<Item = (V, u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, meaning, None, MetricType::Counter)?;
        rows.into_iter().try_for_each(|(labels, value)| {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    fn histograms<'t, V: EncodeLabelSet>(
        &mut self,
        name: &str,
        meaning: &str,
        rows: impl IntoIterator<Item = (V, &'t Times)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, meaning, None, MetricType::Histogram)?;
        rows.into_iter().try_for_each(|(labels, times)| {
            let Times { sum_seconds, count, buckets, .. } = times;
            family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(*sum_seconds, *count, buckets, None)
        })
    }

    fn info(&mut self, name: &str, meaning: &str, labels: &impl EncodeLabelSet) -> fmt::Result {
        self.0.encode_descriptor(name, meaning, None, MetricType::Info)?.encode_info(labels)
    }

    fn counter(&mut self, name: &str, meaning: &str, value: u64) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, meaning, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn counters<'r>(
        &mut self,
        group: &str,
        mut rows: impl Iterator<Item = (&'r str, &'r str, u64)>,
    ) -> fmt::Result {
        rows.try_for_each(|(name, meaning, value)| self.counter(&format!("{group}_{name}"), meaning, value))
    }
}

/// Counts of things in memory fit; what does not is shown as very many.
fn number(value: impl TryInto<u64>) -> u64 {
    value.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::status::{Channel, Firmware, JobsEnded, Port};

    /// What a scraper understands.
    #[derive(Default)]
    struct Scrape {
        /// Families by name, with their types.
        families: BTreeMap<String, String>,
        samples: Vec<Sample>,
    }

    struct Sample {
        name: String,
        labels: String,
        value: f64,
    }

    fn scrape(status: Status) -> Scrape {
        let text = encode(status).unwrap();
        let mut scrape = Scrape::default();
        let mut lines = text.lines();
        for line in lines.by_ref().take_while(|line| *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                let before = scrape.families.insert(name.into(), kind.into());
                assert_eq!(before, None, "{name} is there twice");
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                let (name, labels) = (name.into(), labels.trim_end_matches('}').into());
                scrape.samples.push(Sample { name, labels, value: value.parse().unwrap() });
            }
        }
        assert_eq!(lines.next(), None, "nothing may follow the end");
        assert!(text.ends_with("\n# EOF\n"));
        scrape
    }

    fn family_of(sample: &str, families: &BTreeMap<String, String>) -> Option<String> {
        let suffixes = [
            ("_total", "counter"),
            ("_info", "info"),
            ("_bucket", "histogram"),
            ("_sum", "histogram"),
            ("_count", "histogram"),
            ("", "gauge"),
        ];
        suffixes.iter().find_map(|(suffix, kind)| {
            let family = sample.strip_suffix(suffix)?;
            (families.get(family)? == kind).then(|| family.into())
        })
    }

    #[test]
    fn the_text_is_openmetrics_to_its_last_line() {
        let Scrape { families, samples } = scrape(Status::default());
        assert!(families.keys().all(|name| name.starts_with("amtd_")));
        for Sample { name, labels, .. } in &samples {
            assert!(family_of(name, &families).is_some(), "{name} is of no family");
            assert!(labels.is_empty() || labels.ends_with('"'), "{labels}");
        }
        let series: BTreeSet<_> = samples.iter().map(|sample| (&sample.name, &sample.labels)).collect();
        assert_eq!(series.len(), samples.len(), "a series is there twice");
    }

    #[test]
    fn waiting_times_are_histograms_by_class_that_end_in_infinity() {
        let waited = Times { count: 3, buckets: vec![(0.5, 1), (f64::INFINITY, 2)], ..Times::default() };
        let queue = Queue {
            executing: 0,
            class: Class::Watchdog,
            depth: 1,
            admitted: 3,
            demoted: 0,
            missed: 0,
            waited,
            executed: Times::default(),
        };
        let text = encode(Status { queues: vec![queue], ..Status::default() }).unwrap();
        for line in [
            "amtd_queue_depth{class=\"watchdog\"} 1",
            "amtd_requests_admitted_total{class=\"watchdog\"} 3",
            "amtd_request_wait_seconds_bucket{le=\"0.5\",class=\"watchdog\"} 1",
            "amtd_request_wait_seconds_bucket{le=\"+Inf\",class=\"watchdog\"} 3",
            "amtd_request_wait_seconds_count{class=\"watchdog\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn exactly_one_link_state_is_the_present_one() {
        let samples = scrape(Status::default()).samples;
        let states: Vec<_> = samples.iter().filter(|sample| sample.name == "amtd_link_state").collect();
        assert_eq!(states.len(), LinkState::ALL.len());
        let present: Vec<_> = states.iter().filter(|sample| sample.value == 1.0).collect();
        assert_eq!(present.len(), 1);
        assert_eq!(present[0].labels, "state=\"down\"");
    }

    #[test]
    fn a_thousand_channels_make_no_more_series_than_one() {
        let channel = |number: u32| Channel {
            id: format!("1.{number}"),
            port: Some(16_992),
            class: Class::Interactive,
            state: "open",
            queued: 0,
            local_window: 0,
            remote_window: 0,
        };
        let series = |count| {
            let status = Status { channels: (0..count).map(channel).collect(), ..Status::default() };
            scrape(status).samples.len()
        };
        assert_eq!(series(1), series(1000));
    }

    #[test]
    fn texts_of_firmware_cannot_break_out_of_their_label() {
        let firmware = Firmware { version: Some("16\"} 1\nevil 1".into()), ..Firmware::default() };
        let text = encode(Status { firmware, ..Status::default() }).unwrap();
        assert!(text.contains(r#"version="16\"} 1\nevil 1""#), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("evil")));
    }

    #[test]
    fn jobs_are_counted_by_kind_and_verdict() {
        let mut status = Status::default();
        status.jobs.queued = 2;
        status.jobs.journal_error = Some("no space".into());
        let row = JobsEnded { kind: "activate-ccm", verdict: "failed-partial", count: 3 };
        status.jobs.ended.push(row);
        let text = encode(status).unwrap();
        for line in [
            "amtd_jobs{state=\"queued\"} 2",
            "amtd_jobs_ended_total{kind=\"activate-ccm\",verdict=\"failed-partial\"} 3",
            "amtd_jobs_journal_usable 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn counters_and_ports_carry_the_values_of_the_status() {
        let mut status = Status::default();
        status.counters.apf.messages_in = 7;
        status.ports.push(Port {
            port: 16_993,
            local_port: None,
            requested_by_firmware: true,
            withdrawn_by_firmware: false,
            state: PortState::Failed,
            addresses: Vec::new(),
            error: None,
            holder: None,
        });
        let text = encode(status).unwrap();
        assert!(text.contains("\namtd_apf_messages_in_total 7\n"), "{text}");
        assert!(text.contains("\namtd_port_listening{port=\"16993\"} 0\n"), "{text}");
    }
}
