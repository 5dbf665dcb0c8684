//! The versions of the firmware's parts (amthi 3.2).

use super::reader::Reader;
use super::{AmthiError, Command};
use crate::version::{AmtVersion, Sku};

/// Asks for the versions of BIOS and firmware parts. Soon after boot AMT may not answer it yet (amthi 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetCodeVersions;

/// The versions of BIOS and firmware parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeVersions {
    /// The version of the BIOS.
    pub bios: String,
    /// The parts, in the order of the reply.
    pub parts: Vec<CodeVersion>,
}

/// One part of the firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeVersion {
    /// What it is, such as `AMT` or `Build Number`.
    pub description: String,
    /// Its version, or its value.
    pub version: String,
}

impl CodeVersions {
    /// The text of the part that is described so.
    pub fn part(&self, description: &str) -> Option<&str> {
        let part = self.parts.iter().find(|part| part.description == description)?;
        Some(&part.version)
    }

    /// The version of AMT, if it is there and reads as one.
    pub fn amt(&self) -> Option<AmtVersion> {
        self.part("AMT")?.parse().ok()
    }

    /// The build number of AMT.
    pub fn build(&self) -> Option<&str> {
        self.part("Build Number")
    }

    /// What the platform is sold as, if it is there and reads as a number.
    pub fn sku(&self) -> Option<Sku> {
        self.part("Sku")?.parse().ok()
    }
}

impl Command for GetCodeVersions {
    type Answer = CodeVersions;

    const OPERATION: u32 = 0x1A;

    fn parse(payload: &[u8]) -> Result<CodeVersions, AmthiError> {
        let mut reader = Reader::new(payload);
        let bios = reader.padded("BIOS version", BIOS_SPACE)?;
        // The count is not believed: nothing is allocated for a part before its bytes are there.
        let count = reader.u32("number of versions")?;
        let parts = (0..count).map(|_| part(&mut reader)).collect::<Result<_, _>>()?;
        Ok(CodeVersions { bios, parts })
    }
}

fn part(reader: &mut Reader<'_>) -> Result<CodeVersion, AmthiError> {
    Ok(CodeVersion {
        description: reader.version_string("version description")?,
        version: reader.version_string("version")?,
    })
}

const BIOS_SPACE: usize = 65;
