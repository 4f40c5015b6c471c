//! `hanse org show`

use super::super::say;
use crate::{NodeError, consortium::date, msp::Msp};
use alloy_primitives::{Address, B256};
use hanse_identity::{
    Certificate, CertificateError, Identity, Kind, Purpose, Role, Root, check,
    limits::{DAY_SECONDS, WARNING_DAYS},
};
use serde::Serialize;
use std::collections::BTreeSet;

/// What is said of a certificate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    kind: &'static str,
    name: String,
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Address>,
    serial: String,
    fingerprint: B256,
    not_before: u64,
    not_after: u64,
    days_left: u64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    organization: String,
    certificates: Vec<Line>,
}

pub(super) fn run(msp: &Msp, now: u64, is_json: bool) -> Result<(), NodeError> {
    let (roots, revoked) = (msp.roots()?, msp.revocations()?);
    let mut lines: Vec<Line> =
        roots.iter().map(|root| line(root.certificate(), root_status(root, now), now)).collect();
    for certificate in msp.issued()? {
        let status = status(&certificate, &roots, &revoked, now);
        lines.push(line(&certificate, status, now));
    }
    let report = Report { organization: msp.organization().to_string(), certificates: lines };
    if is_json {
        let json = serde_json::to_string_pretty(&report);
        say(&json.map_err(|error| NodeError::Failed(format!("no JSON: {error}")))?);
        return Ok(());
    }
    say(&report.organization);
    for line in &report.certificates {
        let roles = if line.roles.is_empty() {
            String::new()
        } else {
            format!(" ({})", line.roles.join(", "))
        };
        say(&format!(
            "{:<7} {:<32} {:<12} {:>5} days  until {}  serial {}{}",
            line.kind,
            format!("{}{roles}", line.name),
            line.status,
            line.days_left,
            date(line.not_after),
            line.serial,
            line.warning
                .as_ref()
                .map_or_else(String::new, |warning| format!("\n        ! {warning}")),
        ));
    }
    Ok(())
}

const fn root_status(root: &Root, now: u64) -> &'static str {
    let validity = root.certificate().validity();
    if now < validity.not_before() {
        "not yet valid"
    } else if now > validity.not_after() {
        "expired"
    } else {
        "valid"
    }
}

fn status(
    certificate: &Certificate,
    roots: &[Root],
    revoked: &BTreeSet<B256>,
    now: u64,
) -> &'static str {
    let purpose = match certificate.kind() {
        Kind::Node => Purpose::Node,
        Kind::Server => Purpose::Server,
        Kind::Client | Kind::Root => Purpose::Client,
    };
    match check(certificate, roots, revoked, now, purpose) {
        Ok(Identity { .. }) => "valid",
        Err(CertificateError::Revoked(_)) => "revoked",
        Err(CertificateError::Expired(_)) => "expired",
        Err(CertificateError::NotYetValid { .. }) => "not yet valid",
        Err(_) => "not ours",
    }
}

fn line(certificate: &Certificate, status: &'static str, now: u64) -> Line {
    let validity = certificate.validity();
    let days_left = validity.not_after().saturating_sub(now) / DAY_SECONDS;
    Line {
        kind: certificate.kind().name(),
        name: certificate.name().to_owned(),
        roles: certificate.roles().iter().map(Role::name).collect(),
        account: certificate.account(),
        serial: certificate.serial().to_string(),
        fingerprint: certificate.fingerprint(),
        not_before: validity.not_before(),
        not_after: validity.not_after(),
        days_left,
        status,
        warning: (status == "valid").then(|| warning(days_left)).flatten(),
    }
}

/// What to do about a certificate that ends soon.
fn warning(days_left: u64) -> Option<String> {
    let [soon, sooner, at_once] = WARNING_DAYS;
    let what = match days_left {
        days if days <= at_once => "renew it at once",
        days if days <= sooner => "renew it now",
        days if days <= soon => "renew it soon",
        _ => return None,
    };
    Some(format!("ends in {days_left} days: {what} (hanse org renew)"))
}

#[cfg(test)]
mod tests {
    use super::warning;

    #[test]
    fn warnings_come_at_60_30_and_7_days() {
        let says = |days| warning(days).map(|text| text.split(':').nth(1).map(str::to_owned));
        assert_eq!(says(61), None);
        for (days, what) in
            [(60, "soon"), (31, "soon"), (30, "now"), (8, "now"), (7, "at once"), (0, "at once")]
        {
            let text = warning(days).unwrap();
            assert!(text.contains(&format!("renew it {what} (")), "{text}");
        }
    }
}
