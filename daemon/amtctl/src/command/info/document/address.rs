//! The address that the system itself has on an adapter which it shares with the firmware.

use nix::ifaddrs::{InterfaceAddress, getifaddrs};

/// The IPv4 address of the adapter with this hardware address, if the system uses it.
pub(super) fn system_address(mac: &str) -> Option<String> {
    let mac = parse(mac)?;
    let all: Vec<InterfaceAddress> = getifaddrs().ok()?.collect();
    let names: Vec<&str> = all
        .iter()
        .filter(|one| hardware_address(one) == Some(mac))
        .map(|one| one.interface_name.as_str())
        .collect();
    all.iter()
        .filter(|one| names.contains(&one.interface_name.as_str()))
        .find_map(|one| one.address.as_ref()?.as_sockaddr_in().map(|address| address.ip().to_string()))
}

fn hardware_address(one: &InterfaceAddress) -> Option<[u8; 6]> {
    one.address.as_ref()?.as_link_addr()?.addr()
}

fn parse(mac: &str) -> Option<[u8; 6]> {
    let mut bytes = mac.split([':', '-']).map(|part| u8::from_str_radix(part, 16).ok());
    let mut mac = [0; 6];
    for byte in &mut mac {
        *byte = bytes.next()??;
    }
    // All zero is that of the loopback device and of firmware without adapter.
    (bytes.next().is_none() && mac != [0; 6]).then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_adapter_of_the_firmware_is_taken_for_the_loopback_device() {
        assert_eq!(system_address("00:00:00:00:00:00"), None);
        assert_eq!(parse("a4:bb:6d:00:00:01"), Some([0xa4, 0xbb, 0x6d, 0, 0, 1]));
        for wrong in ["", "a4:bb", "a4:bb:6d:00:00:01:02", "zz:bb:6d:00:00:01"] {
            assert_eq!(parse(wrong), None);
        }
    }
}
