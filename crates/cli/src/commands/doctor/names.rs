//! What DNS says of the domains that mail is from: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), and where bounces go.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use journeyman_channels::email::dkim;
use journeyman_domain::plan::Policies;

use super::dns::{Answer, Dns};
use super::{Finding, Health};
use crate::config::Email;

/// What there is to look up.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    /// Whether a domain that mail comes from, as servers see it, says which servers may send it.
    Spf(String),
    /// Whether the public half of a key stands where its signatures say.
    Dkim { name: String, ours: String },
    /// What receivers are to do with mail of a domain that fails.
    Dmarc(String),
    /// Whether bounces find their way.
    Bounces(String),
}

/// Everything that DNS is asked about how mail is sent here.
pub(super) async fn look(dns: &Dns, email: &Email, keys: &[dkim::Key], policies: &Policies) -> Vec<Finding> {
    let senders: BTreeSet<&str> = policies.senders.values().map(|sender| domain(&sender.from)).collect();
    let mut found: Vec<Finding> = senders.iter().filter_map(|sender| unsigned(sender, keys)).collect();
    let asked = questions(&senders, email.bounces.as_deref(), keys);
    let answers = join_all(asked.iter().map(|question| answer(dns, question))).await;
    let mut silent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for answer in answers {
        match answer {
            Ok(finding) => found.push(finding),
            Err((name, why)) => silent.entry(why).or_default().push(name),
        }
    }
    // One line, however much was not found out.
    found.extend(silent.into_iter().map(|(why, names)| {
        let what = format!("DNS does not answer here ({why}); not looked up: {}", names.join(", "));
        Finding::new(
            Health::Look,
            "dns",
            what,
            "ask another server with --dns HOST:PORT, or look from elsewhere",
        )
    }));
    found
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn questions(senders: &BTreeSet<&str>, bounces: Option<&str>, keys: &[dkim::Key]) -> Vec<Question> {
    // Servers look at the address to which bounces return, which is the sender's own unless one is configured.
    let envelopes: BTreeSet<&str> = bounces.map_or_else(|| senders.clone(), |bounces| [bounces].into());
    let spf = envelopes.iter().map(|domain| Question::Spf((*domain).to_owned()));
    let signatures = keys.iter().map(|key| Question::Dkim { name: key.record_name(), ours: key.record() });
    let policies = senders.iter().map(|domain| Question::Dmarc((*domain).to_owned()));
    let back = envelopes.iter().map(|domain| Question::Bounces((*domain).to_owned()));
    spf.chain(signatures).chain(policies).chain(back).collect()
}

/// A sender whose mail carries no signature that DMARC would count.
fn unsigned(sender: &str, keys: &[dkim::Key]) -> Option<Finding> {
    let counts = |key: &dkim::Key| within(sender, key.domain()) || within(key.domain(), sender);
    if keys.iter().any(counts) {
        return None;
    }
    let what = format!("mail from {sender} is not signed here: no key of that domain");
    let todo = "add one below channels.email.dkim, or see that the relay signs as that domain";
    Some(Finding::new(Health::Look, "dkim", what, todo))
}

fn within(domain: &str, of: &str) -> bool {
    domain == of || domain.strip_suffix(of).is_some_and(|rest| rest.ends_with('.'))
}

/// The finding, or what could not be looked up and why.
async fn answer(dns: &Dns, question: &Question) -> Result<Finding, (String, String)> {
    match question {
        Question::Spf(domain) => Ok(spf(domain, &heard(dns.texts(domain).await, domain)?)),
        Question::Dkim { name, ours } => Ok(signature(name, ours, &heard(dns.texts(name).await, name)?)),
        Question::Dmarc(domain) => {
            for above in upwards(domain) {
                let name = format!("_dmarc.{above}");
                let texts = heard(dns.texts(&name).await, &name)?;
                if let Some(finding) = dmarc(domain, above, &texts) {
                    return Ok(finding);
                }
            }
            let what = format!("{domain} says nothing of what is to be done with forged mail");
            let todo = format!(
                "publish TXT _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:YOU (large providers ask for it)"
            );
            Ok(Finding::new(Health::Look, "dmarc", what, todo))
        }
        Question::Bounces(domain) => {
            let hosts = heard(dns.mail_hosts(domain).await, domain)?;
            let addresses = match hosts.is_empty() {
                true => heard(dns.addresses(domain).await, domain)?,
                false => Vec::new(),
            };
            Ok(bounces(domain, &hosts, &addresses))
        }
    }
}

fn heard(answer: Answer, name: &str) -> Result<Vec<String>, (String, String)> {
    match answer {
        Answer::Found(texts) => Ok(texts),
        Answer::Nothing => Ok(Vec::new()),
        Answer::Silent(why) => Err((name.to_owned(), why)),
    }
}

/// A domain and those above it, down to two labels: where its policy may stand.
fn upwards(domain: &str) -> impl Iterator<Item = &str> {
    let up = std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, above)| above));
    up.enumerate().filter(|(nth, domain)| *nth == 0 || domain.contains('.')).map(|(_, domain)| domain)
}

fn spf(domain: &str, texts: &[String]) -> Finding {
    let begins =
        |text: &&String| text.split_whitespace().next().is_some_and(|v| v.eq_ignore_ascii_case("v=spf1"));
    let records: Vec<&String> = texts.iter().filter(begins).collect();
    let say = |health, what: String, todo: &str| Finding::new(health, "spf", what, todo);
    let [record] = records.as_slice() else {
        return match records.len() {
            0 => {
                let todo = "publish TXT v=spf1 with your relay's include: and -all";
                say(Health::Look, format!("{domain} does not say which servers send its mail"), todo)
            }
            many => {
                let what = format!("{domain} has {many} SPF records; receivers take none of them");
                say(Health::Broken, what, "put them together into one")
            }
        };
    };
    let mut words = record.split_whitespace().skip(1).map(str::to_ascii_lowercase);
    let everybody = words.clone().any(|word| matches!(word.as_str(), "all" | "+all" | "?all"));
    if everybody {
        return say(
            Health::Look,
            format!("{domain} lets every server send its mail"),
            "end the record with -all",
        );
    }
    if words.all(|word| matches!(word.as_str(), "-all" | "~all")) {
        let todo = "name your relay's servers in it (include:, ip4:)";
        return say(Health::Broken, format!("{domain} lets no server send its mail"), todo);
    }
    Finding::ok("spf", format!("{domain} says which servers send its mail"))
}

fn signature(name: &str, ours: &str, texts: &[String]) -> Finding {
    let say = |what: String, todo: String| Finding::new(Health::Broken, "dkim", what, todo);
    let publish = |verb: &str| format!("{verb} TXT {name}: {ours}");
    let Some(key) = tag(ours, "p") else {
        return say(format!("{name}: our own key has no public half"), String::new());
    };
    let published: Vec<String> = texts.iter().filter_map(|text| tag(text, "p")).collect();
    if published.contains(&key) {
        return Finding::ok("dkim", format!("{name} has the key that mail is signed with"));
    }
    match published.first().map(String::as_str) {
        None => say(format!("{name} has no key, so that every signature fails"), publish("publish")),
        Some("") => {
            say(format!("the key at {name} is revoked, so that every signature fails"), publish("publish"))
        }
        Some(_) => say(format!("{name} has another key than mail is signed with"), publish("replace it by")),
    }
}

/// A tag's value in a list of tags, without the spaces that may stand in it.
fn tag(list: &str, name: &str) -> Option<String> {
    list.split(';').find_map(|tag| {
        let (key, value) = tag.split_once('=')?;
        (key.trim() == name).then(|| value.split_whitespace().collect())
    })
}

/// What a policy says, where there is one. `found` is the domain at which it was looked for.
fn dmarc(domain: &str, found: &str, texts: &[String]) -> Option<Finding> {
    let begins = |text: &&String| tag(text, "v").is_some_and(|version| version == "DMARC1");
    let records: Vec<&String> = texts.iter().filter(begins).collect();
    let record = records.first()?;
    if records.len() > 1 {
        let what = format!("_dmarc.{found} has {} records; receivers take none of them", records.len());
        return Some(Finding::new(Health::Broken, "dmarc", what, "leave one"));
    }
    let below = (domain != found).then(|| tag(record, "sp")).flatten();
    let policy = below.or_else(|| tag(record, "p"));
    Some(match policy.as_deref() {
        Some("none") => {
            let what = format!("{domain}: forged mail is reported and delivered (p=none at _dmarc.{found})");
            Finding::ok("dmarc", what)
        }
        Some(policy @ ("quarantine" | "reject")) => {
            Finding::ok("dmarc", format!("{domain}: p={policy} at _dmarc.{found}"))
        }
        _ => {
            let what = format!("_dmarc.{found} names no policy");
            Finding::new(Health::Broken, "dmarc", what, "write p=none, p=quarantine or p=reject into it")
        }
    })
}

fn bounces(domain: &str, hosts: &[String], addresses: &[String]) -> Finding {
    if hosts.iter().any(|host| host == ".") {
        let what =
            format!("{domain} says that it takes no mail: bounces are lost, and servers refuse such senders");
        return Finding::new(Health::Broken, "bounces", what, "point its MX to a server whose mail you read");
    }
    if hosts.is_empty() && addresses.is_empty() {
        let what = format!("{domain} takes no mail: bounces are lost, and servers refuse such senders");
        return Finding::new(Health::Broken, "bounces", what, "point its MX to a server whose mail you read");
    }
    let to = hosts.first().map_or("its own address", |host| host.trim_end_matches('.'));
    Finding::ok("bounces", format!("mail to {domain} goes to {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One door: a finding to its health and a part of what it says.
    fn check(finding: &Finding, health: Health, part: &str) {
        let said = format!("{} {}", finding.what, finding.todo);
        assert!(finding.health == health && said.contains(part), "{finding:?}, not {health:?} {part}");
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn spf_is_read_as_receivers_read_it() {
        for (said, health, part) in [
            (&[][..], Health::Look, "does not say"),
            (&["google-site-verification=x"], Health::Look, "does not say"),
            (&["v=spf10 -all"], Health::Look, "does not say"),
            (&["v=spf1 include:relay.example -all"], Health::Ok, "says which"),
            (&["V=SPF1 ip4:192.0.2.0/24 ~all", "other"], Health::Ok, "says which"),
            (&["v=spf1 redirect=_spf.relay.example"], Health::Ok, "says which"),
            (&["v=spf1 a -all", "v=spf1 mx -all"], Health::Broken, "2 SPF records"),
            (&["v=spf1 -all"], Health::Broken, "lets no server"),
            (&["v=spf1"], Health::Broken, "lets no server"),
            (&["v=spf1 mx +all"], Health::Look, "every server"),
        ] {
            check(&spf("shop.example", &texts(said)), health, part);
        }
    }

    #[test]
    fn a_signature_is_worth_what_its_published_key_is() {
        let ours = "v=DKIM1; k=ed25519; p=11qYAYKx";
        for (said, health, part) in [
            (
                &[][..],
                Health::Broken,
                "publish TXT s1._domainkey.shop.example: v=DKIM1; k=ed25519; p=11qYAYKx",
            ),
            (&["k=ed25519; p=11qY AYKx;"], Health::Ok, "has the key"),
            (&["old", "v=DKIM1; k=ed25519; p=11qYAYKx"], Health::Ok, "has the key"),
            (&["v=DKIM1; p="], Health::Broken, "revoked"),
            (&["v=DKIM1; k=rsa; p=MIIB"], Health::Broken, "another key"),
        ] {
            check(&signature("s1._domainkey.shop.example", ours, &texts(said)), health, part);
        }
    }

    #[test]
    fn a_policy_may_stand_above() {
        let said = |domain, found, said: &[&str]| dmarc(domain, found, &texts(said));
        assert_eq!(said("shop.example", "shop.example", &["v=spf1 -all"]), None);
        for (domain, record, health, part) in [
            ("shop.example", "v=DMARC1; p=none", Health::Ok, "delivered"),
            ("shop.example", "v=DMARC1;p=reject;sp=none", Health::Ok, "p=reject"),
            ("mail.shop.example", "v=DMARC1;p=reject;sp=none", Health::Ok, "delivered"),
            (
                "mail.shop.example",
                "v=DMARC1; p=quarantine",
                Health::Ok,
                "p=quarantine at _dmarc.shop.example",
            ),
            ("shop.example", "v=DMARC1; rua=mailto:a@b.example", Health::Broken, "names no policy"),
        ] {
            check(&said(domain, "shop.example", &[record]).unwrap(), health, part);
        }
        check(
            &said("a.example", "a.example", &["v=DMARC1; p=none"; 2]).unwrap(),
            Health::Broken,
            "2 records",
        );
        assert_eq!(
            upwards("a.mail.shop.example").collect::<Vec<_>>(),
            ["a.mail.shop.example", "mail.shop.example", "shop.example"]
        );
        assert_eq!(upwards("localhost").collect::<Vec<_>>(), ["localhost"]);
    }

    #[test]
    fn bounces_need_somewhere_to_go() {
        check(&bounces("b.example", &texts(&["mx.b.example."]), &[]), Health::Ok, "goes to mx.b.example");
        check(&bounces("b.example", &[], &texts(&["192.0.2.1"])), Health::Ok, "its own address");
        check(&bounces("b.example", &[], &[]), Health::Broken, "bounces are lost");
        check(&bounces("b.example", &texts(&["."]), &[]), Health::Broken, "says that it takes no mail");
    }

    #[test]
    fn a_sender_is_signed_for_by_its_domain_or_one_around_it() {
        assert!(within("mail.shop.example", "shop.example") && within("shop.example", "shop.example"));
        assert!(!within("evilshop.example", "shop.example") && !within("example", "shop.example"));
    }
}
