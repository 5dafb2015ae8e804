//! The way out: SMTP, or the log where none is set.

use std::fmt;
use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::Url;

use super::letter::Letter;

/// Sends mail.
pub struct Mailer {
    smtp: Option<AsyncSmtpTransport<Tokio1Executor>>,
    from: Mailbox,
    app_url: Url,
}

/// What is wrong with the settings of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailerError {
    /// The server's address can't be read.
    Server,
    /// The sender is not an address.
    Sender,
}

/// A try takes no longer.
const TIMEOUT: Duration = Duration::from_secs(20);

impl Mailer {
    /// Over the server at `smtp_url` (`smtp://user:password@host:587?tls=required`, `smtps://…`), from `from` (a name and an
    /// address, RFC 5322). Without a server mail goes to the log. Links lead to `app_url`, the front end.
    pub fn new(smtp_url: Option<&str>, from: &str, app_url: Url) -> Result<Self, MailerError> {
        let smtp = match smtp_url {
            Some(url) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| MailerError::Server)?;
                Some(builder.timeout(Some(TIMEOUT)).build())
            }
            None => None,
        };
        Ok(Self { smtp, from: from.parse().map_err(|_| MailerError::Sender)?, app_url })
    }

    /// A link to a page of the front end. What follows `#` stays in the browser: it reaches no server's log.
    pub(super) fn link(&self, page: &str) -> String {
        format!("{}/{page}", self.app_url.as_str().trim_end_matches('/'))
    }

    /// Connects, with TLS and sign-in as the settings have it, and sends nothing.
    pub async fn check(&self) -> Result<(), Refused> {
        let Some(smtp) = &self.smtp else { return Ok(()) };
        let checked = tokio::time::timeout(TIMEOUT, smtp.test_connection()).await.map_err(|_| Refused::Timeout)?;
        if checked.map_err(|error| Refused::of(&error))? { Ok(()) } else { Err(Refused::Connection) }
    }

    pub(super) async fn send(&self, letter: Letter) -> Result<(), Refused> {
        let Some(smtp) = &self.smtp else {
            tracing::info!(to = letter.recipient, title = letter.title, "mail (SMTP_URL is not set):\n{}", letter.plain);
            return Ok(());
        };
        let to = Mailbox::new(None, letter.recipient.parse().map_err(|_| Refused::Address)?);
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let mail = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .from(self.from.clone())
            .to(to)
            .subject(letter.title)
            .raw_header(automatic)
            .multipart(MultiPart::alternative_plain_html(letter.plain, letter.html))
            .map_err(|_| Refused::Address)?;
        // The library's own timeout is for connecting alone.
        let sent = tokio::time::timeout(TIMEOUT, smtp.send(mail)).await.map_err(|_| Refused::Timeout)?;
        sent.map(|_| ()).map_err(|error| Refused::of(&error))
    }
}

/// Why the server did not take a mail. Not its own words: they repeat the address.
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    /// Nobody can be written to there.
    Address,
    /// What the server said no by (RFC 5321, section 4.2).
    Answer(u16),
    /// It did not answer in time.
    Timeout,
    /// It has no TLS, or its certificate is not good.
    Tls,
    /// There is no server.
    Connection,
}

impl Refused {
    /// Whether another try would end alike.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Address)
    }

    /// What an operator may do about it.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        match self {
            Self::Address => "Mend the address.",
            Self::Answer(530..=539) => "Mend user and password in SMTP_URL (percent-encode what is not a letter or digit).",
            Self::Answer(_) => "See the log of the mail server, and whether it lets this machine in.",
            Self::Timeout => "See that a firewall lets this machine reach the host and port of SMTP_URL.",
            Self::Tls => {
                "Use the port and scheme that belong together (smtps: 465; smtp with tls=required: 587), and a valid certificate."
            }
            Self::Connection => "Mend host and port in SMTP_URL, or start the server.",
        }
    }

    fn of(error: &lettre::transport::smtp::Error) -> Self {
        match error.status() {
            Some(code) => Self::Answer(code.into()),
            None if error.is_timeout() => Self::Timeout,
            None if error.is_tls() => Self::Tls,
            None => Self::Connection,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => formatter.write_str("the address can't be written to"),
            Self::Answer(code) => write!(formatter, "the server answered {code}"),
            Self::Timeout => formatter.write_str("the server took too long"),
            Self::Tls => formatter.write_str("TLS failed"),
            Self::Connection => formatter.write_str("the server can't be reached"),
        }
    }
}
