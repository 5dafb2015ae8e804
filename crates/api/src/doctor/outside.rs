//! What the service shows outside, and the mail server.

use std::io::ErrorKind;
use std::net::TcpListener;

use url::Url;

use super::Report;
use crate::assemble::mailer;
use crate::health::{self, Health};
use crate::settings::Settings;

pub(super) fn settings(report: &mut Report, settings: &Settings) {
    let before = (report.bad, report.doubtful);
    let url = public_url(settings);
    let host = url.as_ref().and_then(|url| url.host_str());
    if let Some(url) = &settings.public_url
        && url.scheme() == "http"
        && !settings.is_local()
    {
        let to_do = "Set PUBLIC_URL to https://…, with TLS ended by a proxy: browsers give passkeys to https alone, and tokens would be read.";
        report.bad("settings", format!("PUBLIC_URL is {url}, without TLS"), to_do);
    }
    if settings.smtp_url.is_none() && !settings.is_local() {
        report.bad(
            "settings",
            "SMTP_URL is not set, and PUBLIC_URL is not localhost",
            "Set SMTP_URL: the service does not start without.",
        );
    }
    if let (Some(id), Some(host)) = (&settings.relying_party_id, host)
        && host != id
        && !host.ends_with(&format!(".{id}"))
    {
        let to_do = "Set it to that host or a domain above it; once there are passkeys it has to stay.";
        report.bad("settings", format!("RELYING_PARTY_ID {id} is neither {host} nor above it"), to_do);
    }
    if let Some(Err(error)) = public_url(settings).map(|url| mailer(settings, &url)) {
        report.bad("settings", error, "The service does not start like this.");
    }
    if !settings.is_local() && settings.trusted_proxies.is_empty() && settings.bind.ip().is_loopback() {
        let to_do = "Set it to the proxy's address: without, everybody behind it is braked as one, and one can lock out all.";
        report.doubtful("settings", "TRUSTED_PROXIES is not set, and only a proxy on this machine can reach BIND", to_do);
    }
    if settings.metrics_bind.is_some_and(|bind| bind.ip().is_unspecified()) && !settings.is_local() {
        let to_do = "Set it to an address that only Prometheus reaches, or have a firewall see to it.";
        report.doubtful("settings", "METRICS_BIND listens on every address", to_do);
    }
    if !settings.clock_offset.is_zero() {
        let found = format!("CLOCK_OFFSET moves the clock by {} s", settings.clock_offset.num_seconds());
        report.doubtful("settings", found, "Take it out, unless this is a test or a rehearsal.");
    }
    if before == (report.bad, report.doubtful) {
        report.good("settings", "valid");
    }
}

/// The origin that browsers see, as a start takes it, but for the port.
fn public_url(settings: &Settings) -> Option<Url> {
    settings.public_url.clone().or_else(|| Url::parse("http://localhost").ok())
}

/// Whether it can listen, or does.
pub(super) async fn address(report: &mut Report, settings: &Settings) {
    let bind = settings.bind;
    match TcpListener::bind(bind) {
        Ok(_) if bind.port() == 0 => report.good("address", "any port that is free (BIND has port 0)"),
        Ok(_) => report.good("address", format!("{bind} is free: no service runs there")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if health::answer(bind, Health::Live).await.is_ok_and(|answer| answer == "live") {
                return report.good("address", format!("the service answers at {bind}"));
            }
            let to_do = "Set BIND to another port, or stop what listens there.";
            report.bad("address", format!("something else listens at {bind}"), to_do);
        }
        Err(error) => {
            let to_do = "Set BIND to an address of this machine, and a port that its user may take.";
            report.bad("address", format!("{bind}: {error}"), to_do);
        }
    }
    // It is taken where the service runs.
    if let Some(bind) = settings.metrics_bind
        && let Err(error) = TcpListener::bind(bind)
        && error.kind() != ErrorKind::AddrInUse
    {
        let to_do = "Set METRICS_BIND to an address of this machine, and a port that its user may take.";
        report.bad("address", format!("{bind}, for metrics: {error}"), to_do);
    }
}

pub(super) async fn mail(report: &mut Report, settings: &Settings) {
    if settings.smtp_url.is_none() {
        return report.good("mail", "SMTP_URL is not set: mail is printed to the log");
    }
    // What is wrong with its settings is told with the others.
    let Some(Ok(mailer)) = public_url(settings).map(|url| mailer(settings, &url)) else { return };
    match mailer.check().await {
        Ok(()) => report.good("mail", "the server takes connections, TLS and sign-in as SMTP_URL has them; nothing was sent"),
        Err(refused) => report.bad("mail", refused.to_string(), refused.way_out()),
    }
}
