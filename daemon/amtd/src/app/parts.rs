//! Each part's share of the configuration.

use amtd_amt::{job::Policy, retry::RetryPolicy, wsman::ClientConfig};
use amtd_apf::{Port, SessionConfig, Timeouts, mux::MuxConfig};
use amtd_mei::RecoveryConfig;

use crate::{
    cli::Directories,
    config::{self, Config, Period},
    driver::{DriverConfig, LinkConfig},
    front::{FrontConfig, OWN_CONNECTIONS, PortsConfig, RelayConfig, Rules},
    jobs::JobsConfig,
    machine::Limits,
    pem::{PemError, certificates},
};

pub(super) fn driver(config: &Config) -> DriverConfig {
    DriverConfig {
        link: LinkConfig {
            device: config.device.path.clone(),
            connect_limit: config.device.connect_limit.get(),
            recovery: recovery(&config.recovery),
        },
        mux: mux(config),
        transmit_stall: config.link.transmit_stall.get(),
    }
}

pub(super) fn front(config: &Config) -> FrontConfig {
    let front = &config.front;
    FrontConfig {
        ports: PortsConfig {
            from_start: front.ports.clone(),
            addresses: front.addresses.clone(),
            remap: front.remap.clone(),
            backlog: front.backlog,
            socket_buffer: front.socket_buffer,
            retry_first: front.bind_retry_first.get(),
            retry_max: front.bind_retry_max.get(),
        },
        relay: RelayConfig {
            // The multiplexer accepts this much before it reports room.
            room: config.apf.tx_buffer,
            head_wait: front.head_wait.get(),
            idle: front.idle.get(),
            client_stall: front.client_stall.get(),
            half_close_quiet: front.half_close_quiet.get(),
            half_close_limit: front.half_close_limit.get(),
            drain: front.drain_after_close.get(),
            opaque_ports: front.opaque_ports.iter().copied().map(Port).collect(),
            retry_after: front.retry_after.get(),
            rules: Rules::new(&config.classes),
            classify_limit: front.classify_limit,
            classify_wait: front.classify_wait.get(),
        },
        max_connections: front.max_connections,
        max_per_peer: front.max_connections_per_peer,
    }
}

pub(super) fn limits(config: &Config) -> Limits {
    Limits { connect: config.device.connect_limit.get(), answer: config.firmware.answer_limit.get() }
}

/// Reads the certificates of the authorities, if any are configured.
pub(super) fn jobs(config: &Config, directories: &Directories) -> Result<JobsConfig, PemError> {
    Ok(JobsConfig {
        jobs: config.jobs.clone(),
        policy: policy(&config.flows)?,
        state_dir: directories.state.clone(),
    })
}

/// The certificates of the authorities that sign the identities of devices.
pub(super) fn authorities(section: &config::Flows) -> Result<Vec<Vec<u8>>, PemError> {
    let Some(path) = &section.authorities else { return Ok(Vec::new()) };
    Ok(certificates("flows.authorities", path)?.iter().map(|authority| authority.to_vec()).collect())
}

fn policy(section: &config::Flows) -> Result<Policy, PemError> {
    let (first, longest) = (section.verify_pause.get(), section.verify_max_pause.get());
    let settling = |deadline| RetryPolicy::until(deadline, first, longest);
    Ok(Policy {
        ask: RetryPolicy {
            attempts: section.ask_attempts,
            pause: section.ask_pause.get(),
            max_pause: section.ask_max_pause.get(),
            limit: section.ask_limit.get(),
            deadline: section.ask_deadline.get(),
        },
        wsman: ClientConfig {
            retry: RetryPolicy {
                attempts: section.wsman_attempts,
                pause: section.wsman_pause.get(),
                max_pause: section.wsman_max_pause.get(),
                limit: section.wsman_limit.get(),
                deadline: section.wsman_deadline.get(),
            },
            max_answer: section.wsman_max_answer,
            max_instances: section.wsman_max_instances,
        },
        enablement_limit: section.enablement_limit.get(),
        verify: settling(section.verify_deadline.get()),
        unprovision: settling(section.unprovision_deadline.get()),
        settle_attempts: section.settle_attempts,
        settle_pause: section.settle_pause.get(),
        clock_tolerance: section.clock_tolerance.get(),
        expiry_warning_days: section.expiry_warning_days,
        authorities: authorities(section)?,
    })
}

fn recovery(section: &config::Recovery) -> RecoveryConfig {
    RecoveryConfig {
        device_first: section.device_first.get(),
        device_max: section.device_max.get(),
        node: section.node.get(),
        client_missing: section.client_missing.get(),
        client_missing_attempts: section.client_missing_attempts,
        busy_step: section.busy_step.get(),
        busy_attempts: section.busy_attempts,
        silent: section.silent.get(),
        slow: section.slow.get(),
        session_first: section.session_first.get(),
        session_max: section.session_max.get(),
        incompatible: section.incompatible.get(),
    }
}

fn mux(config: &Config) -> MuxConfig {
    let queue = &config.queue;
    MuxConfig {
        session: session(&config.apf),
        max_flows: config.front.max_connections + OWN_CONNECTIONS,
        reserved_slots: queue.reserved_slots,
        backlog: queue.backlog.get(),
        executing_wait: queue.executing_wait.get(),
        answer_wait: queue.answer_wait.get(),
        answer_pause: queue.answer_pause.get(),
        opaque_rest: queue.opaque_rest.get(),
        queue_wait: [queue.wait_watchdog, queue.wait_health, queue.wait_interactive, queue.wait_bulk]
            .map(Period::get),
        urgent_target: queue.urgent_target.get(),
        heartbeat_burst: queue.heartbeat_burst,
        heartbeat_every: queue.heartbeat_every.get(),
        bulk_after: queue.bulk_after,
        link_wait: queue.link_wait.get(),
        forward_wait: queue.forward_wait.get(),
        response_wait: queue.response_wait.get(),
        ending_wait: queue.ending_wait.get(),
        retry_first: queue.retry_first.get(),
        retry_max: queue.retry_max.get(),
        retry_attempts: queue.retry_attempts,
        relearn: queue.relearn.get(),
        bulk_patience: queue.bulk_patience,
    }
}

fn session(section: &config::Apf) -> SessionConfig {
    SessionConfig {
        rx_window: section.rx_window,
        max_channels: section.max_channels,
        max_opening: section.max_opening,
        max_direct: section.max_direct,
        tx_buffer: section.tx_buffer,
        max_frame: section.max_frame,
        max_handed: [
            section.max_handed_urgent,
            section.max_handed_urgent,
            section.max_handed_interactive,
            section.max_handed_bulk,
        ],
        allowed_ports: section.allowed_ports.iter().copied().map(Port).collect(),
        max_forwards: section.max_forwards,
        timeouts: Timeouts {
            version: section.version_timeout.get(),
            handshake: section.handshake_timeout.get(),
            forward_answer: section.forward_answer_timeout.get(),
            open: section.open_timeout.get(),
            drain: section.drain_timeout.get(),
            close: section.close_timeout.get(),
            zero_window: section.zero_window_timeout.get(),
        },
        // The multiplexer fills in the last two for each connection.
        ..SessionConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_and_the_parts_have_the_same_defaults() {
        let config = Config::default();
        let standard = MuxConfig::default();
        let standard = MuxConfig { max_flows: standard.max_flows + OWN_CONNECTIONS, ..standard };
        assert_eq!(format!("{:?}", mux(&config)), format!("{standard:?}"));
        assert_eq!(recovery(&config.recovery), RecoveryConfig::default());
        assert_eq!(policy(&config.flows).unwrap(), Policy::default());
    }
}
