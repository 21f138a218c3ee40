//! The address of the repository that the book links to, if it is known.
use std::path::Path;
use std::process::Command;

/// The host whose kind of addresses is known.
const GITHUB: &str = "https://github.com";

/// A repository on GitHub, or on a server of the same kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The address of its front page, without a slash at the end: `https://github.com/OWNER/NAME`.
    pub address: String,
}

impl Repository {
    /// Finds the repository that a workflow works for, or else the one that the checkout at `root`
    /// comes from. None if neither is known.
    pub fn find(root: &Path) -> Option<Self> {
        let variable = |name| std::env::var(name).unwrap_or_default();
        Self::at(&variable("GITHUB_SERVER_URL"), &variable("GITHUB_REPOSITORY"))
            .or_else(|| Self::of_checkout(root))
    }

    /// Finds the repository that the checkout at `root` comes from: its remote `origin`. None if there
    /// is none, or if it is not on GitHub.
    pub fn of_checkout(root: &Path) -> Option<Self> {
        // Without it, git would answer for a repository that the folder happens to be in.
        if !root.join(".git").exists() {
            return None;
        }
        let git = ["remote", "get-url", "origin"];
        let answer = Command::new("git").args(git).current_dir(root).output().ok()?;
        Self::of_remote(std::str::from_utf8(&answer.stdout).ok()?.trim_end())
    }

    /// The template of the address at which a page can be edited. mdBook replaces `{path}`.
    pub fn edit_template(&self) -> String {
        // `main` is the branch that is published.
        format!("{}/edit/main/guide/{{path}}", self.address)
    }

    /// The repository with a remote's address, from which a user name or a password is left out.
    fn of_remote(remote: &str) -> Option<Self> {
        let (user_and_host, name) = match remote.split_once("://") {
            Some(("https" | "ssh", rest)) => rest.split_once('/')?,
            Some(_) => return None,
            None => remote.split_once(':')?,
        };
        let host = user_and_host.rsplit('@').next()?;
        let name = name.trim_end_matches('/');
        let name = name.strip_suffix(".git").unwrap_or(name);
        (host == "github.com").then(|| Self::at(GITHUB, name))?
    }

    /// The repository of this name, as in `OWNER/NAME`, on a server.
    fn at(server: &str, name: &str) -> Option<Self> {
        let is_plain = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !part.is_empty() && part.bytes().all(plain)
        };
        let (owner, project) = name.split_once('/')?;
        let is_known = server.strip_prefix("https://").is_some_and(is_plain)
            && is_plain(owner)
            && is_plain(project);
        is_known.then(|| Self { address: format!("{server}/{name}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_on_github_has_an_address() {
        for remote in [
            "https://github.com/owner/na.me",
            "https://github.com/owner/na.me.git",
            "https://github.com/owner/na.me/",
            "https://user:password@github.com/owner/na.me.git",
            "git@github.com:owner/na.me.git",
            "github.com:owner/na.me",
            "ssh://git@github.com/owner/na.me.git",
        ] {
            let address = Repository::of_remote(remote).map(|found| found.address);
            assert_eq!(address.as_deref(), Some("https://github.com/owner/na.me"), "{remote}");
        }
    }

    #[test]
    fn any_other_remote_has_none() {
        for remote in [
            "",
            "..",
            "/srv/book.git",
            "file:///srv/book.git",
            "http://github.com/owner/name",
            "https://github.com/owner",
            "https://github.com/owner/name/more",
            "https://github.com/owner/<name>",
            "https://git.example/owner/name",
            "https://github.com.example/owner/name",
            "https://git.example/@github.com/owner/name",
            "git@git.example:owner/name",
        ] {
            assert_eq!(Repository::of_remote(remote), None, "{remote}");
        }
    }

    #[test]
    fn a_workflow_names_the_server_and_the_repository() {
        let address = |server, name| Repository::at(server, name).map(|found| found.address);
        let known = address("https://git.example", "owner/name");
        assert_eq!(known.as_deref(), Some("https://git.example/owner/name"));
        assert_eq!(address("", ""), None);
        assert_eq!(address("https://github.com", ""), None);
        assert_eq!(address("javascript:alert()", "owner/name"), None);
    }
}
