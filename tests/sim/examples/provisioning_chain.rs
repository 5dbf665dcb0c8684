//! Writes a provisioning certificate for a DNS suffix, and the root that a device has to trust for it, into files.
//!
//! `cargo run -p amt-sim --example provisioning_chain -- example.net /tmp` makes `/tmp/provisioning.pfx`, password `P@ssw0rd`, and
//! `/tmp/provisioning-root.pem`, which goes to `amt-sim --trusted-root`. The keys are the simulator's and protect nothing.

use std::path::PathBuf;

use amt_sim::pki::ProvisioningChain;
use anyhow::{Context, ensure};

/// Everybody may know it, as everybody has the key.
const PASSWORD: &str = "P@ssw0rd";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(suffix), Some(directory)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: provisioning_chain SUFFIX DIRECTORY");
    };
    ensure!(suffix.is_ascii(), "{suffix}: a DNS suffix is ASCII");
    let chain = ProvisioningChain::new(&suffix);
    for (name, content) in
        [("provisioning.pfx", chain.pfx(PASSWORD)), ("provisioning-root.pem", chain.root_pem().into_bytes())]
    {
        let path = PathBuf::from(&directory).join(name);
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
