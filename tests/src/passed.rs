//! What the tests remember from run to run: checks that take long, and have passed.
//!
//! Cargo doesn't compile again what hasn't changed. In the same way, a check whose outcome follows from
//! known inputs needs no repetition until one of them changes. A check that has passed leaves a file with
//! the digest of its inputs in the folder `passed` of the target folder. Deleting that folder repeats
//! all of them.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::WORKSPACE;

/// The inputs of a check: everything on which its outcome depends, such as the program that it runs, the
/// version of the tools and the source of the test.
#[derive(Debug, Clone, Default)]
pub struct Inputs(Sha256);

impl Inputs {
    /// These inputs and one more. The order matters.
    #[must_use]
    pub fn and(mut self, input: impl AsRef<[u8]>) -> Self {
        let input = input.as_ref();
        // With its length, so that no byte can move from one input to the next unnoticed.
        self.0.update((input.len() as u64).to_le_bytes());
        self.0.update(input);
        self
    }

    /// The check that has these inputs, and no others. Its name must be unique within the group.
    pub fn of(self, group: &str, name: &str) -> Check {
        self.within(&WORKSPACE.target.join("passed").join(group), name)
    }

    fn within(self, folder: &Path, name: &str) -> Check {
        Check { passed: folder.join(name), digest: self.0.finalize().to_vec() }
    }
}

/// A check that is repeated only if its inputs have changed since it passed.
#[derive(Debug)]
pub struct Check {
    passed: PathBuf,
    digest: Vec<u8>,
}

impl Check {
    /// Whether it has passed with these inputs.
    pub fn has_passed(&self) -> bool {
        fs::read(&self.passed).is_ok_and(|passed| passed == self.digest)
    }

    /// Remembers that it has passed.
    pub fn passes(&self) {
        let folder = self.passed.parent().expect("it is in the folder of its group");
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(&self.passed, &self.digest).expect("a file can be written");
    }
}

#[cfg(test)]
mod tests {
    use super::Inputs;

    #[test]
    fn a_check_is_repeated_when_any_input_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let check = |inputs: &[&str], name| {
            let all = inputs.iter().fold(Inputs::default(), |all, input| all.and(input));
            all.within(&folder.path().join("group"), name)
        };
        let inputs = ["page", "style", "version"];
        assert!(!check(&inputs, "one").has_passed(), "it has never run");
        check(&inputs, "one").passes();
        assert!(check(&inputs, "one").has_passed());

        for changed in 0..inputs.len() {
            let mut others = inputs;
            others[changed] = "another";
            assert!(!check(&others, "one").has_passed(), "{others:?}");
        }
        assert!(!check(&["pages", "tyle", "version"], "one").has_passed(), "a byte has moved");
        assert!(!check(&["style", "page", "version"], "one").has_passed(), "they are swapped");
        assert!(!check(&inputs[..2], "one").has_passed(), "one is missing");
        assert!(!check(&[&inputs[..], &[""]].concat(), "one").has_passed(), "one is added");
        assert!(!check(&inputs, "two").has_passed(), "another check");

        // Only the latest inputs are remembered.
        check(&["page", "style", "next version"], "one").passes();
        assert!(!check(&inputs, "one").has_passed());
    }
}
