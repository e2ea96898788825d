//! Where everything is kept, and for how long.

use jiff::SignedDuration;

use super::{ConfigError, Faults};

/// So long a case may still be talked about; nobody shall lose its words while it is.
const CASES_KEPT_MIN: u32 = 90;
/// A hundred years; who wants more leaves it unset.
const CASES_KEPT_MAX: u32 = 36_500;

/// Where everything is kept. It can hold a password, so it does not show itself.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Reads the URL given as `name`; the fault does not repeat it.
    pub fn parse(name: &'static str, url: String) -> Result<Self, ConfigError> {
        if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
            return Ok(Self(url));
        }
        Err(ConfigError::of(name, "must start with sqlite:// or postgres://"))
    }

    /// The URL, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = self.0.split_once(':').map_or("", |(scheme, _)| scheme);
        write!(f, "{scheme}://…")
    }
}

impl Faults<'_> {
    pub(super) fn database_url(&mut self) -> DatabaseUrl {
        let url = self.set("DATABASE_URL").unwrap_or_else(|| "sqlite://secondlook.db".to_owned());
        DatabaseUrl::parse("DATABASE_URL", url).unwrap_or_else(|ConfigError(faults)| {
            self.found.extend(faults);
            DatabaseUrl(String::new())
        })
    }

    /// Days only: what is deleted must not hang on how somebody reads an hour or a month.
    pub(super) fn cases_kept(&mut self) -> Option<SignedDuration> {
        let name = "SECONDLOOK_KEEP_CASES";
        let value = self.set(name)?;
        let number = value.strip_suffix('d').filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let Some(days) = number.and_then(|n| n.parse::<u32>().ok()) else {
            self.add(name, format!(
                "is \"{value}\": give a number of days such as 730d, or leave it unset to keep them for ever"
            ));
            return None;
        };
        if !(CASES_KEPT_MIN..=CASES_KEPT_MAX).contains(&days) {
            self.add(name, format!(
                "is \"{value}\": between {CASES_KEPT_MIN}d, because a case may be talked about for so long, and {CASES_KEPT_MAX}d"
            ));
            return None;
        }
        Some(SignedDuration::from_hours(24 * i64::from(days)))
    }
}
