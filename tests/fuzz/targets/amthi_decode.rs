//! Replies of the host interface clients: AMTHI, MHC, MKHI and UPID, every command.
//!
//! Hazard: a count or a length in a reply that panics the decoder, or that it believes and allocates for.

#![no_main]

use amtd_amt::{
    CertificateDigest,
    amthi::{
        CloseUserInitiatedConnection, EnumerateHashHandles, GetCertificateHash, GetCiraLog, GetCiraStatus,
        GetCodeVersions, GetControlMode, GetDnsSuffixes, GetEhbcState, GetFqdn, GetLanSettings,
        GetLocalSystemAccount, GetPkiFqdnSuffix, GetProvisioningState, GetUuid, HashHandle, LanInterface,
        OpenUserInitiatedConnection, SetHostFqdn, StartConfiguration, StartHostBasedConfiguration,
        StopConfiguration, Unprovision,
    },
    mhc::{IsChangeToAmtEnabled, SetAmtOperationalState},
    mkhi::{FeatureSet, GetFeatures},
    question::Question,
    upid::{GetPlatformId, GetUpidState, SetUpidState},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([command, mode], rest)) = data.split_first_chunk() else { return };
    decode_as(*command, mode & 1 == 1, rest);
});

/// Decodes a reply. Few bytes at random are a reply to the question: with `framed` they follow its header.
fn decode<Q: Question>(question: &Q, framed: bool, bytes: &[u8]) {
    let answer =
        if framed { question.decode(&reply(&question.request(), bytes)) } else { question.decode(bytes) };
    if let Err(error) = answer {
        assert!(!error.to_string().is_empty());
    }
}

/// The reply of success to an AMTHI request; for the others, whose headers differ, their request with bytes behind it.
fn reply(request: &[u8], payload: &[u8]) -> Vec<u8> {
    let is_amthi = request.len() >= 12 && request[0] == 1;
    if !is_amthi {
        return [request, payload].concat();
    }
    let mut reply = request[..8].to_vec();
    // The bit that marks a reply, the length with the status, the status.
    reply[6] |= 0x80;
    reply.extend_from_slice(&(payload.len() as u32 + 4).to_le_bytes());
    reply.extend_from_slice(&[0; 4]);
    [&reply, payload].concat()
}

fn decode_as(command: u8, framed: bool, bytes: &[u8]) {
    macro_rules! each {
        ($($question:expr),* $(,)?) => {{
            let mut number = 0..;
            $(if number.next() == Some(command % COMMANDS) {
                decode(&$question, framed, bytes);
            })*
            assert_eq!(number.next(), Some(COMMANDS), "the number of commands");
        }};
    }
    each![
        GetCodeVersions,
        GetProvisioningState,
        GetControlMode,
        GetEhbcState,
        GetUuid,
        GetLocalSystemAccount,
        GetLanSettings { interface: LanInterface::Wired },
        GetCiraStatus,
        GetPkiFqdnSuffix,
        GetCiraLog,
        OpenUserInitiatedConnection,
        CloseUserInitiatedConnection,
        EnumerateHashHandles,
        GetCertificateHash { handle: handle() },
        GetFqdn,
        GetDnsSuffixes,
        SetHostFqdn::new("host.example.com").expect("a name"),
        StartConfiguration,
        StopConfiguration,
        Unprovision,
        StartHostBasedConfiguration { server_certificate: CertificateDigest::Sha256([0; 32]) },
        IsChangeToAmtEnabled,
        SetAmtOperationalState { enabled: true },
        GetFeatures { set: FeatureSet::Enabled },
        GetUpidState,
        SetUpidState { enabled: true },
        GetPlatformId,
    ]
}

/// Some handle, as firmware would have given it.
fn handle() -> HashHandle {
    let mut payload = 1u32.to_le_bytes().to_vec();
    payload.extend_from_slice(&7u32.to_le_bytes());
    let answer = EnumerateHashHandles.decode(&reply(&Question::request(&EnumerateHashHandles), &payload));
    answer.expect("one handle")[0]
}

const COMMANDS: u8 = 27;
