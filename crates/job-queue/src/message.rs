//! The format of a job: its headers, around the bytes of the job itself.

use std::time::Duration;

use async_nats::HeaderMap;

/// The version of the format. A worker refuses any other.
const FORMAT: &str = "1";

const FORMAT_NAME: &str = "Job-Format";
const ID: &str = "Job-Id";
const TYPE: &str = "Job-Type";
const LIMIT: &str = "Job-Limit-Ms";
const TRACE: &str = "Job-Trace";

/// The properties of a job that a client tells workers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Unique among all jobs: letters, digits and dots.
    pub id: String,
    pub job_type: String,
    /// Time for which the job is worth running, from the moment at which the server
    /// accepted it. A duration and not a time, because the clocks of two
    /// machines may disagree.
    pub limit: Option<Duration>,
    pub trace: String,
}

impl Order {
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(FORMAT_NAME, FORMAT);
        headers.insert(ID, self.id.as_str());
        headers.insert(TYPE, self.job_type.as_str());
        headers.insert(TRACE, self.trace.as_str());
        if let Some(limit) = self.limit {
            headers.insert(LIMIT, limit.as_millis().to_string());
        }
        headers
    }

    /// Reads the headers of a message, or returns the reason why it is not a job.
    pub fn read(headers: Option<&HeaderMap>) -> Result<Self, &'static str> {
        let headers = headers.ok_or("it has no headers")?;
        let text = |name: &str| {
            headers.get(name).map(|value| value.as_str().to_owned())
        };
        if text(FORMAT_NAME).as_deref() != Some(FORMAT) {
            return Err("its format is unknown");
        }
        let limit = match text(LIMIT).map(|limit| limit.parse()) {
            None => None,
            Some(Ok(milliseconds)) => {
                Some(Duration::from_millis(milliseconds))
            }
            Some(Err(_)) => return Err("its limit is not a number"),
        };
        let id =
            text(ID).filter(|id| is_id(id)).ok_or("it has no valid id")?;
        Ok(Self {
            job_type: text(TYPE).ok_or("it has no type")?,
            limit,
            trace: text(TRACE).unwrap_or_else(|| id.clone()),
            id,
        })
    }
}

/// Returns true if this can be an id. The id becomes a part of a subject, so it must not
/// contain a wildcard.
fn is_id(id: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty()
            && token.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    id.len() <= 100 && id.split('.').all(is_token)
}

/// Turns a text into one that a header can hold: a line of printable characters.
pub fn one_line(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(printable).take(200).collect()
}
