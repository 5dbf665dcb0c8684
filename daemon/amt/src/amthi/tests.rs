//! Golden messages, typed in from captures of an AMT 11.8 laptop where there are any (amthi 1.4) and from the
//! layouts otherwise, and the order of the checks on a reply.

use std::fmt::Debug;

use proptest::prelude::*;

use super::*;
use crate::CertificateDigest;
use crate::version::AmtVersion;

/// A reply to `operation` with the status and payload given.
fn reply(operation: u8, status: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 4).unwrap();
    let header = [[1, 1, 0, 0], [operation, 0, 0x80, 4], length.to_le_bytes(), status.to_le_bytes()];
    [header.as_flattened(), payload].concat()
}

/// `text` in a space of `space` bytes.
fn padded(text: &str, space: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(space, 0);
    bytes
}

fn version_string(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_le_bytes()[..], &padded(text, 20)].concat()
}

fn ansi(text: &str) -> Vec<u8> {
    [&u16::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat()
}

/// The captured reply to code versions.
fn captured_code_versions() -> Vec<u8> {
    let header = [1, 1, 0, 0, 0x1a, 0, 0x80, 4, 1, 2, 0, 0, 0, 0, 0, 0];
    let mut message = [&header[..], &padded("N1EETA2W (1.75 )", 65), &10_u32.to_le_bytes()].concat();
    for (description, version) in [
        ("Flash", "11.8.93"),
        ("Netstack", "11.8.93"),
        ("AMTApps", "11.8.93"),
        ("AMT", "11.8.93"),
        ("Sku", "8"),
        ("VendorID", "8086"),
        ("Build Number", "4323"),
        ("Recovery Version", "11.8.93"),
        ("Recovery Build Num", "4323"),
        ("Legacy Mode", "False"),
    ] {
        message.extend(version_string(description));
        message.extend(version_string(version));
    }
    message
}

const CAPTURED_PROVISIONING_STATE: [u8; 20] =
    [1, 1, 0, 0, 0x11, 0, 0x80, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

#[test]
fn captured_requests_are_made_byte_by_byte() {
    assert_eq!(GetCodeVersions.request(), [1, 1, 0, 0, 0x1a, 0, 0, 4, 0, 0, 0, 0]);
    assert_eq!(GetProvisioningState.request(), [1, 1, 0, 0, 0x11, 0, 0, 4, 0, 0, 0, 0]);
}

#[test]
fn requests_with_a_payload_state_its_length() {
    let account = [&[1, 1, 0, 0, 0x67, 0, 0, 4, 40, 0, 0, 0][..], &[0; 40]].concat();
    assert_eq!(GetLocalSystemAccount.request(), account);
    let wireless = GetLanSettings { interface: LanInterface::Wireless };
    assert_eq!(wireless.request(), [1, 1, 0, 0, 0x48, 0, 0, 4, 4, 0, 0, 0, 1, 0, 0, 0]);
    let wired = GetLanSettings { interface: LanInterface::Wired };
    assert_eq!(wired.request(), [1, 1, 0, 0, 0x48, 0, 0, 4, 4, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn captured_code_versions_hold_only_the_entries_that_are_counted() {
    let message = captured_code_versions();
    assert_eq!(message.len(), 525);
    let versions = GetCodeVersions.decode(&message).unwrap();
    assert_eq!(versions.bios, "N1EETA2W (1.75 )");
    assert_eq!(versions.parts.len(), 10);
    assert_eq!(versions.parts[8].description, "Recovery Build Num");
    assert_eq!(versions.amt(), Some(AmtVersion { major: 11, minor: 8, maintenance: 93 }));
    assert_eq!(versions.build(), Some("4323"));
    assert!(versions.sku().unwrap().is_amt());
    assert_eq!(versions.part("Legacy Mode"), Some("False"));
    assert_eq!(versions.part("legacy mode"), None);
}

#[test]
fn captured_provisioning_state_is_pre() {
    assert_eq!(GetProvisioningState.decode(&CAPTURED_PROVISIONING_STATE), Ok(ProvisioningState::Pre));
}

#[test]
fn states_and_modes_keep_values_that_are_not_known() {
    let state = |value: u32| GetProvisioningState.decode(&reply(0x11, 0, &value.to_le_bytes())).unwrap();
    assert_eq!([state(1), state(2)], [ProvisioningState::In, ProvisioningState::Post]);
    assert_eq!(state(7), ProvisioningState::Unknown(7));
    let mode = |value: u32| GetControlMode.decode(&reply(0x6B, 0, &value.to_le_bytes())).unwrap();
    assert_eq!([mode(0), mode(1), mode(2)], [ControlMode::None, ControlMode::Client, ControlMode::Admin]);
    assert_eq!(mode(3), ControlMode::Unknown(3));
}

#[test]
fn empty_reply_means_that_amt_is_disabled() {
    assert_eq!(GetCodeVersions.decode(&[]), Err(AmthiError::AmtDisabled));
}

#[test]
fn reply_is_checked_in_the_order_that_blames_the_right_thing() {
    // Each reply has the fault of its row and of all rows below.
    let state = GetProvisioningState;
    let short = [9; 15];
    let version = [2, 1, 0, 0, 0x12, 0, 0x80, 4, 99, 0, 0, 0, 2, 0, 0, 0];
    let command = [1, 1, 0, 0, 0x12, 0, 0x80, 4, 99, 0, 0, 0, 2, 0, 0, 0];
    let length = [1, 1, 0, 0, 0x11, 0, 0x80, 4, 99, 0, 0, 0, 2, 0, 0, 0];
    let status = [1, 1, 0, 0, 0x11, 0, 0x80, 4, 4, 0, 0, 0, 2, 0, 0, 0];
    let payload = [1, 1, 0, 0, 0x11, 0, 0x80, 4, 4, 0, 0, 0, 0, 0, 0, 0];
    let (expected, received) = (0x0480_0011, 0x0480_0012);
    assert_eq!(state.decode(&short), Err(AmthiError::ShortReply { length: 15 }));
    assert_eq!(state.decode(&version), Err(AmthiError::Version { major: 2 }));
    assert_eq!(state.decode(&command), Err(AmthiError::Command { expected, received }));
    assert_eq!(state.decode(&length), Err(AmthiError::Length { stated: 99, actual: 4 }));
    assert_eq!(state.decode(&status), Err(AmthiError::Status(Status::NOT_READY)));
    let cut = AmthiError::Truncated { field: "provisioning state", needed: 4, left: 0 };
    assert_eq!(state.decode(&payload), Err(cut));
}

#[test]
fn request_that_is_echoed_is_not_taken_for_its_reply() {
    let mut echo = CAPTURED_PROVISIONING_STATE;
    echo[6] = 0;
    let expected = AmthiError::Command { expected: 0x0480_0011, received: 0x0400_0011 };
    assert_eq!(GetProvisioningState.decode(&echo), Err(expected));
    assert!(
        expected.is_framing(),
        "the connection must be closed: a late reply cannot be told from the next"
    );
}

#[test]
fn refusal_does_not_cost_the_connection() {
    assert!(!AmthiError::Status(Status::NOT_READY).is_framing());
    assert!(!AmthiError::AmtDisabled.is_framing());
}

#[test]
fn uuid_is_printed_as_smbios_prints_it() {
    let bytes: Vec<u8> = (0..16).collect();
    let uuid = GetUuid.decode(&reply(0x5C, 0, &bytes)).unwrap();
    assert_eq!(uuid.to_string(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
    assert_eq!(uuid.to_bytes().to_vec(), bytes);
}

#[test]
fn lan_settings_read_the_address_in_the_right_order() {
    let payload = [
        1, 0, 0, 0, 4, 3, 2, 1, 1, 0, 0, 0, 2, 1, 0x88, 0xa4, 0xc2, 0x01, 0x02, 0x03, //
    ];
    let wired = GetLanSettings { interface: LanInterface::Wired };
    let settings = wired.decode(&reply(0x48, 0, &payload)).unwrap();
    let expected = LanSettings {
        enabled: true,
        ipv4: Some("1.2.3.4".parse().unwrap()),
        dhcp_enabled: true,
        dhcp_mode: DhcpMode::Passive,
        link_up: true,
        mac: MacAddress([0x88, 0xa4, 0xc2, 0x01, 0x02, 0x03]),
    };
    assert_eq!(settings, expected);
    assert_eq!(settings.mac.to_string(), "88:a4:c2:01:02:03");
    assert!(settings.exists());
}

#[test]
fn absent_interface_is_recognised_in_both_of_its_forms() {
    let wireless = GetLanSettings { interface: LanInterface::Wireless };
    let zeros = wireless.decode(&reply(0x48, 0, &[0; 20])).unwrap();
    assert!(!zeros.exists());
    assert_eq!(zeros.ipv4, None);
    let refused = wireless.decode(&reply(0x48, 0x9C5, &[]));
    assert_eq!(refused, Err(AmthiError::Status(Status::INTERFACE_DOES_NOT_EXIST)));
}

#[test]
fn cira_status_keeps_the_trigger_that_sources_disagree_on() {
    let numbers = [2_u32, 1, 3].map(u32::to_le_bytes);
    let payload = [numbers.as_flattened(), &ansi("mps.example.com\0")].concat();
    let expected = CiraStatus {
        network: CiraNetwork::Outside,
        connection: CiraConnection::Connecting,
        trigger: CiraTrigger::Other(3),
        server: "mps.example.com".into(),
    };
    assert_eq!(GetCiraStatus.decode(&reply(0x46, 0, &payload)), Ok(expected));
}

#[test]
fn suffix_is_cleaned_of_what_the_firmware_setup_leaves() {
    for (stored, suffix) in [
        ("example.com", "example.com"),
        ("example.com\0", "example.com"),
        (" example.com. ", "example.com"),
        (".", ""),
    ] {
        let answer = GetPkiFqdnSuffix.decode(&reply(0x36, 0, &ansi(stored)));
        assert_eq!(answer.as_deref(), Ok(suffix), "{stored:?}");
    }
}

#[test]
fn string_longer_than_the_message_is_refused() {
    let claim = [0xff, 0xff, b'x'];
    let expected = AmthiError::Truncated { field: "PKI FQDN suffix", needed: 65_535, left: 1 };
    assert_eq!(GetPkiFqdnSuffix.decode(&reply(0x36, 0, &claim)), Err(expected));

    let mut versions = captured_code_versions();
    versions[85] = 21;
    let expected = AmthiError::StringLength { field: "version description", stated: 21, space: 20 };
    assert_eq!(GetCodeVersions.decode(&versions), Err(expected));
}

#[test]
fn count_larger_than_the_message_is_refused_and_allocates_nothing() {
    let mut versions = captured_code_versions();
    versions[81..85].fill(0xff);
    let expected = AmthiError::Truncated { field: "version description", needed: 2, left: 0 };
    assert_eq!(GetCodeVersions.decode(&versions), Err(expected));

    let handles = EnumerateHashHandles.decode(&reply(0x2C, 0, &[0xff; 12]));
    let expected = AmthiError::Truncated { field: "hash handle", needed: 4, left: 0 };
    assert_eq!(handles, Err(expected));
}

#[test]
fn local_system_account_is_accepted_with_and_without_padding() {
    for pad in [0, 2] {
        let payload = [padded("$$OsAdmin", 33), padded("s3cret+/=", 33), vec![0; pad]].concat();
        let message = reply(0x67, 0, &payload);
        assert_eq!(message.len(), 82 + pad);
        let account = GetLocalSystemAccount.decode(&message).unwrap();
        assert_eq!((account.user.as_str(), account.password.expose()), ("$$OsAdmin", "s3cret+/="));
    }
}

#[test]
fn password_that_fills_its_field_has_no_nul_and_is_whole() {
    let full = "x".repeat(33);
    let payload = [padded("$$OsAdmin", 33), padded(&full, 33)].concat();
    assert_eq!(GetLocalSystemAccount::parse(&payload).unwrap().password.expose(), full);
}

#[test]
fn password_is_in_no_text_that_could_be_logged() {
    let payload = [padded("$$OsAdmin", 33), padded("s3cret", 33)].concat();
    let account = GetLocalSystemAccount::parse(&payload).unwrap();
    let shown = format!("{account:?} {:#?} {} {:?}", account, account.password, account.password);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("redacted"));

    let garbled = [padded("$$OsAdmin", 33), vec![0xff; 33]].concat();
    let error = GetLocalSystemAccount::parse(&garbled).unwrap_err();
    assert_eq!(error, AmthiError::NotText { field: "password" });
}

#[test]
fn certificate_hash_is_cut_to_the_length_of_its_algorithm() {
    let handles =
        EnumerateHashHandles.decode(&reply(0x2C, 0, &[2, 0, 0, 0, 5, 0, 0, 0, 1, 2, 3, 4])).unwrap();
    assert_eq!(handles.iter().map(|handle| handle.number()).collect::<Vec<_>>(), [5, 0x0403_0201]);
    let question = GetCertificateHash { handle: handles[1] };
    assert_eq!(question.request(), [1, 1, 0, 0, 0x2d, 0, 0, 4, 4, 0, 0, 0, 1, 2, 3, 4]);

    for (number, algorithm, length) in [
        (0, HashAlgorithm::Md5, 16),
        (1, HashAlgorithm::Sha1, 20),
        (2, HashAlgorithm::Sha256, 32),
        (3, HashAlgorithm::Sha384, 48),
        (4, HashAlgorithm::Sha224, 28),
        (5, HashAlgorithm::Sha512, 64),
        (9, HashAlgorithm::Unknown(9), 64),
    ] {
        let payload =
            [&[1, 0, 0, 0, 0, 0, 0, 0][..], &[0xab; 64], &[number], &ansi("Example Root CA\0")].concat();
        let expected = CertificateHash {
            name: "Example Root CA".into(),
            is_default: true,
            is_active: false,
            algorithm,
            hash: vec![0xab; length],
        };
        assert_eq!(question.decode(&reply(0x2D, 0, &payload)), Ok(expected));
    }
}

#[test]
fn status_has_the_name_of_the_documentation_and_unknown_ones_their_number() {
    for (code, name) in [
        (2, "NOT_READY"),
        (0x10, "NOT_PERMITTED"),
        (45, "CONNECTION_FAILED"),
        (512, "REMOTE_ACCESS_NOT_GRANTED"),
        (1024, "DISABLED_BY_POLICY"),
        (2053, "INVALID_HANDLE"),
        (2068, "NOT_FOUND"),
        (2500, "IPV6_INTERFACE_DISABLED"),
        (2501, "INTERFACE_DOES_NOT_EXIST"),
    ] {
        assert_eq!(Status::from_code(code).name(), Some(name));
    }
    assert_eq!(Status::NOT_READY.to_string(), "NOT_READY (0x2)");
    assert_eq!(Status::from_code(0x1000).to_string(), "status 0x1000");
}

#[test]
fn only_what_passes_by_itself_is_retryable() {
    let retryable: Vec<u32> = (0..0x1000).filter(|code| Status::from_code(*code).is_retryable()).collect();
    assert_eq!(retryable, [0x2, 0x2F, 0x31, 0x80D]);
}

/// Every command on the same bytes; the outcome does not matter, only that there is one.
fn decode_with_all(message: &[u8]) -> usize {
    fn shown(answer: impl Debug) -> usize {
        format!("{answer:?}").len()
    }
    let handle =
        GetCertificateHash { handle: EnumerateHashHandles::parse(&[1, 0, 0, 0, 1, 0, 0, 0]).unwrap()[0] };
    let lan = GetLanSettings { interface: LanInterface::Wired };
    let start = StartHostBasedConfiguration { server_certificate: CertificateDigest::Sha256([0; 32]) };
    shown(GetCodeVersions.decode(message))
        + shown(GetProvisioningState.decode(message))
        + shown(GetControlMode.decode(message))
        + shown(GetUuid.decode(message))
        + shown(lan.decode(message))
        + shown(GetCiraStatus.decode(message))
        + shown(GetPkiFqdnSuffix.decode(message))
        + shown(GetLocalSystemAccount.decode(message))
        + shown(EnumerateHashHandles.decode(message))
        + shown(handle.decode(message))
        + shown(Unprovision.decode(message))
        + shown(GetFqdn.decode(message))
        + shown(GetDnsSuffixes.decode(message))
        + shown(GetEhbcState.decode(message))
        + shown(GetCiraLog.decode(message))
        + shown(start.decode(message))
}

proptest! {
    #[test]
    fn no_message_makes_the_decoder_panic(message in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(decode_with_all(&message) > 0);
    }

    #[test]
    fn no_payload_behind_a_good_header_makes_the_decoder_panic(
        operation in proptest::sample::select(vec![
            0x10, 0x11, 0x1A, 0x2C, 0x2D, 0x36, 0x3E, 0x46, 0x48, 0x56, 0x5C, 0x67, 0x6B, 0x84, 0x8B, 0x8E,
        ]),
        payload in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        prop_assert!(decode_with_all(&reply(operation, 0, &payload)) > 0);
    }

    #[test]
    fn reply_cut_anywhere_is_an_error(length in 1_usize..525) {
        let message = captured_code_versions();
        prop_assert!(GetCodeVersions.decode(&message[..length]).is_err(), "cut on the way");
        let payload = &message[16..];
        let cut = reply(0x1A, 0, &payload[..length.min(payload.len() - 1)]);
        prop_assert!(GetCodeVersions.decode(&cut).is_err(), "cut by firmware, with a length that says so");
    }
}

#[test]
fn commands_that_change_the_device_are_made_byte_by_byte() {
    // amthi 2: unprovision has a mode, the others nothing.
    assert_eq!(Unprovision.request(), [1, 1, 0, 0, 0x10, 0, 0, 4, 4, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(StartConfiguration.request(), [1, 1, 0, 0, 0x29, 0, 0, 4, 0, 0, 0, 0]);
    assert_eq!(StopConfiguration.request(), [1, 1, 0, 0, 0x5E, 0, 0, 4, 0, 0, 0, 0]);
    assert_eq!(OpenUserInitiatedConnection.request(), [1, 1, 0, 0, 0x44, 0, 0, 4, 0, 0, 0, 0]);
    assert_eq!(CloseUserInitiatedConnection.request(), [1, 1, 0, 0, 0x45, 0, 0, 4, 0, 0, 0, 0]);
    let name = SetHostFqdn::new("pc.lan").unwrap();
    let expected = [&[1, 1, 0, 0, 0x5B, 0, 0, 4, 9, 0, 0, 0, 7, 0][..], b"pc.lan\0"].concat();
    assert_eq!(name.request(), expected);
}

#[test]
fn commands_that_change_the_device_say_so() {
    fn changes<C: Command>(_: C) -> bool {
        C::CHANGES
    }
    assert!(changes(Unprovision) && changes(StartConfiguration) && changes(StopConfiguration));
    assert!(changes(OpenUserInitiatedConnection) && changes(CloseUserInitiatedConnection));
    assert!(changes(SetHostFqdn::new("pc").unwrap()));
    assert!(changes(StartHostBasedConfiguration { server_certificate: CertificateDigest::sha256(b"") }));
    assert!(!changes(GetControlMode) && !changes(GetLocalSystemAccount) && !changes(GetCiraLog));
}

#[test]
fn refused_unprovision_is_no_success_whatever_else_it_says() {
    // amthi 3.16: in admin control mode the state that follows is 0 all the same.
    let refused = Unprovision.decode(&reply(0x10, 3, &[0; 4]));
    assert_eq!(refused, Err(AmthiError::Status(Status::INVALID_AMT_MODE)));
    assert_eq!(Unprovision.decode(&reply(0x10, 0, &[0; 4])), Ok(()));
    assert_eq!(Unprovision.decode(&reply(0x10, 0, &[])), Ok(()));
}

#[test]
fn host_names_that_cannot_be_sent_are_refused() {
    for name in ["", "a\0b", &"x".repeat(254)] {
        assert_eq!(SetHostFqdn::new(name), None, "{name:?}");
    }
}

#[test]
fn host_based_start_names_the_certificate_in_the_layout_of_402_bytes() {
    // amthi 3.13: algorithm @12, hash @13, VPN @77, length of the list @78, list @82.
    let start = StartHostBasedConfiguration { server_certificate: CertificateDigest::Sha256([0xAB; 32]) };
    let request = start.request();
    assert_eq!(request.len(), 402);
    assert_eq!(request[..14], [1, 1, 0, 0, 0x8B, 0, 0, 4, 0x86, 1, 0, 0, 2, 0xAB]);
    assert_eq!(request[13..45], [0xAB; 32]);
    assert!(request[45..].iter().all(|byte| *byte == 0));
    let start = StartHostBasedConfiguration { server_certificate: CertificateDigest::Sha384([0xCD; 48]) };
    assert_eq!(start.request()[12..14], [3, 0xCD]);
    assert_eq!(start.request()[60..62], [0xCD, 0]);
}

#[test]
fn hash_of_the_device_is_read_as_bytes_and_as_digits() {
    let start = StartHostBasedConfiguration { server_certificate: CertificateDigest::Sha256([0; 32]) };
    let answer = |algorithm: u8, hash: &[u8]| {
        let mut payload = [&[algorithm], hash].concat();
        payload.resize(payload.len().max(65), 0);
        start.decode(&reply(0x8B, 0, &payload))
    };
    assert_eq!(answer(2, &[0xAB; 32]), Ok(CertificateDigest::Sha256([0xAB; 32])));
    assert_eq!(answer(3, &[0xAB; 48]), Ok(CertificateDigest::Sha384([0xAB; 48])));
    assert_eq!(answer(2, "aB".repeat(32).as_bytes()), Ok(CertificateDigest::Sha256([0xAB; 32])));
    assert_eq!(answer(3, "AB".repeat(48).as_bytes()), Ok(CertificateDigest::Sha384([0xAB; 48])));
    // Bytes that happen to be digits are followed by zeros, which are none.
    assert_eq!(answer(2, &[b'7'; 32]), Ok(CertificateDigest::Sha256([b'7'; 32])));
    let field = "certificate hash algorithm";
    assert_eq!(answer(1, &[0; 20]), Err(AmthiError::UnknownNumber { field, number: 1 }));
    assert!(start.decode(&reply(0x8B, 0, &[2, 1, 2])).is_err());
}

#[test]
fn names_of_the_device_are_read() {
    let numbers = [1_u32, 0, 1440, 900, 4].map(u32::to_le_bytes);
    let payload = [numbers.as_flattened(), &ansi("host.example.com\0")].concat();
    let expected = Fqdn {
        shared: true,
        dynamic_dns: false,
        update_interval: 1440,
        time_to_live: 900,
        host_name_length: 4,
        name: "host.example.com".into(),
    };
    assert_eq!(GetFqdn.decode(&reply(0x56, 0, &payload)), Ok(expected));

    let suffixes = GetDnsSuffixes.decode(&reply(0x3E, 0, &ansi("example.com\0example.org\0\0")));
    assert_eq!(suffixes, Ok(vec!["example.com".into(), "example.org".into()]));
    assert_eq!(GetDnsSuffixes.decode(&reply(0x3E, 0, &[0, 0])), Ok(vec![]));
}

#[test]
fn embedded_configuration_is_on_for_any_number_but_zero() {
    assert_eq!(GetEhbcState.decode(&reply(0x84, 0, &[0; 4])), Ok(false));
    assert_eq!(GetEhbcState.decode(&reply(0x84, 0, &[0, 1, 0, 0])), Ok(true));
}

#[test]
fn log_of_the_tunnel_is_read_at_the_documented_places() {
    assert_eq!(GetCiraLog.request(), [1, 1, 0, 0, 0x8E, 0, 0, 4, 1, 0, 0, 0, 0]);
    let mut message = reply(0x8E, 0, &[0; 2781]);
    assert_eq!(message.len(), 2797, "amthi 3.14");
    message[17] = 1;
    message[18] = 2;
    for (place, number) in [(22, 100_u32), (26, 60), (31, 200), (36, 300), (40, 400)] {
        message[place..place + 4].copy_from_slice(&number.to_le_bytes());
    }
    message[30] = 4;
    message[35] = 5;
    message[44] = 1;
    message[53..58].copy_from_slice(b"mps-1");
    message[598..603].copy_from_slice(b"mps-2");
    let log = GetCiraLog.decode(&message).unwrap();
    let expected = CiraLog {
        version: 0,
        open: true,
        connection: 2,
        last_keep_alive: 100,
        keep_alive_interval: 60,
        last_connection_status: 4,
        last_connection_time: 200,
        last_tunnel_status: 5,
        last_opened: 300,
        last_closed: 400,
        failed_tunnel: Some("mps-1".into()),
        failed_connection: None,
    };
    assert_eq!(log, expected);
    message[589] = 1;
    assert_eq!(GetCiraLog.decode(&message).unwrap().failed_connection.as_deref(), Some("mps-2"));
}
