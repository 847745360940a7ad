use std::path::PathBuf;

use super::*;

/// One door: a file's text and variables to a line, or to the error.
fn check(yaml: &str, variables: &[(&str, &str)], expected: &str) {
    check_as(yaml, variables, expected, |config| {
        format!(
            "{} {} {} {} {} {:?}",
            config.environment.name(),
            config.currency,
            config.time_zone,
            config.public,
            config.private,
            config.write_keys
        )
    });
}

/// The same door, to a line about channels. Keys of links show themselves by a link that one of them signed.
fn check_channels(yaml: &str, variables: &[(&str, &str)], expected: &str) {
    check_as(yaml, variables, expected, |config| {
        let Channels { email, links, links_for_development, redirect_all_to, allow_only, .. } =
            &config.channels;
        let relay = |relay: &Relay| {
            let login = relay.user.iter().chain(&relay.password).cloned().collect::<Vec<_>>().join("/");
            let port = relay.port();
            let limits = (relay.allowed("").unwrap(), relay.answers_within("").unwrap());
            format!("{}:{port} {:?} [{login}] {} {limits:?}", relay.host, relay.tls, relay.connections)
        };
        let email = email.as_ref().map_or("none".to_owned(), |email| {
            let relays: Vec<String> = email.relays.values().map(relay).collect();
            let keys: Vec<String> = email
                .dkim
                .iter()
                .map(|key| format!("{}._domainkey.{} {}", key.selector, key.domain, key.pem))
                .collect();
            format!("{relays:?} {:?} {keys:?} {:?}", email.bounces, email.hold_unknown)
        });
        let key = (links.current(), if *links_for_development { "dev" } else { "own" });
        format!("{email} {key:?} {redirect_all_to:?} {allow_only:?}")
    });
}

fn check_as(yaml: &str, variables: &[(&str, &str)], expected: &str, tell: impl Fn(&Config) -> String) {
    let dir: PathBuf = std::env::temp_dir().join(format!("journeyman-config-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&dir).unwrap();
    let path = dir.join("journeyman.yaml");
    std::fs::write(&path, yaml).unwrap();
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let got = match Config::read(Some(&path), variable) {
        Ok(config) => tell(&config),
        Err(error) => error.to_string().replace(&path.display().to_string(), "FILE"),
    };
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(got.starts_with(expected), "{yaml} {variables:?}\n   got {got}\nwanted {expected}");
}

#[test]
fn the_file_and_the_environment() {
    let defaults = r#"dev EUR UTC 127.0.0.1:8080 127.0.0.1:8081 {"dev": "dev"}"#;
    check("", &[], defaults);
    check(
        "topics:\n  offers: { consent: opt_in }\nminimum_gap: 4h\nholdout: 2%\nrates: { USD: 0.92 }\n\
         quiet_hours: { sms: 20:00-09:00 }\ncaps: { sms: 2 per 7d }\n\
         calendar:\n  bfcm: { from: 2026-11-27 00:00, to: 2026-11-30 23:59 }\n",
        &[],
        defaults,
    );
    check("# nothing\n", &[("JOURNEYMAN_ENVIRONMENT", " ")], defaults);
    let file = "environment: staging\ncurrency: GBP\ntime_zone: Europe/London\nlisten:\n  public: '[::]:80'\n\
                write_keys:\n  web: abc\n  server: $SERVER_KEY\n";
    check(
        file,
        &[("SERVER_KEY", "s3cret")],
        r#"staging GBP Europe/London [::]:80 127.0.0.1:8081 {"server": "s3cret", "web": "abc"}"#,
    );
    check(
        file,
        &[
            ("SERVER_KEY", "s3cret"),
            ("JOURNEYMAN_ENVIRONMENT", "production"),
            ("JOURNEYMAN_LISTEN_PRIVATE", "10.0.0.1:9"),
            ("JOURNEYMAN_WRITE_KEYS", "web=other,app=k"),
        ],
        r#"production GBP Europe/London [::]:80 10.0.0.1:9 {"app": "k", "server": "s3cret", "web": "other"}"#,
    );
}

#[test]
fn faults_say_where_and_what_to_do() {
    check("environment: prod\n", &[], "FILE: ");
    check("enviroment: dev\n", &[], "FILE: ");
    check("alerts: {}\n", &[], "FILE: `alerts` is not read by this version yet; leave it out");
    check("environment: production\n", &[], "write_keys: there are none");
    check("time_zone: Mars/Base\n", &[], "time_zone: `Mars/Base` is no time zone");
    check("listen:\n  public: 8080\n", &[], "listen.public: `8080` is no address");
    check("currency: euro\n", &[], "currency: `euro` is no currency");
    check("write_keys:\n  web: $NOPE\n", &[], "write_keys.web: the variable NOPE is not set");
    check("write_keys:\n  a: k\n  b: k\n", &[], "write_keys.b: has the same key as a");
    check("", &[("JOURNEYMAN_WRITE_KEYS", "abc")], "JOURNEYMAN_WRITE_KEYS: write it as");
    check("", &[("JOURNEYMAN_ENVIRONMENT", "test")], "JOURNEYMAN_ENVIRONMENT: `test` is no environment");
    check("", &[("JOURNEYMAN_POSTGRES", "postgers")], "JOURNEYMAN_POSTGRES: ");
    check("environment: dev\nenvironment: dev\n", &[], "FILE: ");
}

/// A file with one relay, and what stands below `channels.email` beside it.
fn with(rest: &str) -> String {
    format!("channels:\n  email:\n    smtp: {{ host: relay.example }}\n{rest}")
}

#[test]
fn channels_have_defaults_and_secrets_come_from_variables() {
    check_channels("", &[], r#"none (0, "dev") {} []"#);
    let relay = "relay.example:587 Starttls [] 20 (None, None)";
    let one = format!(r#"["{relay}", "{relay}"] None [] (true, false) (0, "dev") {{}} []"#);
    check_channels(&with(""), &[], &one);
    check_channels(
        &with("    on_unknown: { marketing: resend, transactional: hold }\n    bounces: b.shop.example\n"),
        &[],
        &format!(r#"["{relay}", "{relay}"] Some("b.shop.example") [] (false, true)"#),
    );
    check_channels(
        "channels:\n  email:\n    smtp:\n      marketing: { host: a.example, tls: implicit, user: u, password: $P }\n      \
         transactional: { host: b.example, tls: none, port: 2525, connections: 3, rate: 500 per 1m, timeout: 30s }\n",
        &[("P", "s3cret")],
        r#"["a.example:465 Implicit [u/s3cret] 20 (None, None)", "b.example:2525 None [] 3 (Some((500, 60s)), Some(30s))"]"#,
    );
    check_channels(
        &with("    dkim:\n      - { domain: Shop.Example, selector: s1, key: $PEM }\n"),
        &[("PEM", "pem")],
        &format!(r#"["{relay}", "{relay}"] None ["s1._domainkey.shop.example pem"]"#),
    );
    let keys =
        "links:\n  domain: go.shop.example\n  utm: { source: journeyman }\n  keys: { 1: $OLD, 3: $NEW }\n";
    let variables = [("OLD", "0123456789abcdef"), ("NEW", "fedcba9876543210")];
    check_channels(keys, &variables, r#"none (3, "own") {} []"#);
    check_channels(
        "redirect_all_to: { email: qa@shop.example }\nallow_only: [Shop.example, Bob@partner.example]\n",
        &[],
        r#"none (0, "dev") {Email: "qa@shop.example"} ["shop.example", "bob@partner.example"]"#,
    );
    // What the shop says of senders and locales is deployed, and not read here.
    check_channels("senders: { shop: { from: a@shop.example } }\nlocales: [en]\n", &[], "none");
}

#[test]
fn faults_of_channels_say_where_and_what_to_do() {
    let smtp = |written: &str| format!("channels:\n  email:\n    smtp: {written}\n");
    let place = "channels.email.smtp";
    for (written, expected) in [
        ("{ host: '' }", format!("{place}.host: write the relay's name")),
        ("{ host: a b }", format!("{place}.host: write the relay's name")),
        ("{ host: a, connections: 0 }", format!("{place}.connections: write a number from 1 to 1000")),
        ("{ host: a, connections: 1001 }", format!("{place}.connections: write a number from 1 to 1000")),
        ("{ host: a, user: u }", format!("{place}: `user` and `password` belong together")),
        ("{ host: a, password: p }", format!("{place}: `user` and `password` belong together")),
        ("{ host: a, user: u, password: $NOPE }", format!("{place}.password: the variable NOPE is not set")),
        ("{ host: a, rate: 500 }", format!("{place}.rate: `500` is no rate; write `500 per 1m`")),
        ("{ host: a, rate: 0 per 1m }", format!("{place}.rate: `0 per 1m` is no rate")),
        ("{ host: a, rate: 5 per 0m }", format!("{place}.rate: `5 per 0m` is no rate")),
        ("{ host: a, timeout: 60 }", format!("{place}.timeout: `60` is no length of time; write `60s`")),
        ("{ host: a, timeout: ä }", format!("{place}.timeout: `ä` is no length of time")),
        ("{ host: a, tls: yes }", "FILE: ".to_owned()),
        ("{ hots: a }", "FILE: error: line 3 column 13: unknown field `hots`".to_owned()),
        ("{}", format!("{place}: write `host`, or a relay each")),
        ("{ marketing: { host: a } }", format!("{place}: write `transactional` beside the other")),
        ("{ transactional: { host: a } }", format!("{place}: write `marketing` beside the other")),
        ("{ host: a, transactional: { host: a } }", format!("{place}: write `marketing` beside the other")),
        (
            "{ host: a, marketing: { host: a }, transactional: { host: a } }",
            format!("{place}: a `host` for all mail and"),
        ),
        (
            "{ marketing: { host: a }, transactional: { host: b, rate: x } }",
            format!("{place}.transactional.rate: `x`"),
        ),
    ] {
        check_channels(&smtp(written), &[], &expected);
    }
    check_channels("channels:\n  sms: {}\n", &[], "channels.sms: write `twilio` or `gateway`");
    check_channels("channels:\n  smss: {}\n", &[], "FILE: ");
    check_channels("channels:\n  email: {}\n", &[], "FILE: ");
    check_channels(&with("    bounces: not a domain\n"), &[], "channels.email.bounces: ");
    check_channels(&with("    on_unknown: { marketing: maybe }\n"), &[], "FILE: ");
    let key = |written: &str| {
        with(&format!("    dkim:\n      - {{ domain: a.example, selector: s, {written} }}\n"))
    };
    check_channels(&key("key: $NOPE"), &[], "channels.email.dkim[0]: the variable NOPE is not set");
    check_channels(&key("key_file: /nowhere"), &[], "channels.email.dkim[0]: can't read /nowhere");
    check_channels(&key("key: a, key_file: b"), &[], "channels.email.dkim[0]: write `key: $NAME`");
    check_channels("links: { keys: { 1: short } }\n", &[], "links.keys: key 1 is shorter than 16 bytes");
    check_channels("links: { keys: { 1: $NOPE } }\n", &[], "links.keys.1: the variable NOPE is not set");
    check_channels("links: { keys: { 300: 0123456789abcdef } }\n", &[], "FILE: ");
    check_channels(
        "redirect_all_to: { mail: a@b.example }\n",
        &[],
        "redirect_all_to.mail: `mail` is no channel",
    );
    check_channels(
        "redirect_all_to: { sms: '+491' }\n",
        &[],
        "redirect_all_to.sms: a number has its country",
    );
    check_channels(
        "redirect_all_to: { email: nobody }\n",
        &[],
        "redirect_all_to.email: `nobody` is no mail address",
    );
    check_channels("allow_only: ['a b']\n", &[], "allow_only: `a b` is neither a domain nor an address");
    check_channels("allow_only: ['a@']\n", &[], "allow_only: `a@` is neither");
}

/// The same door, to a line about each provider that is spoken to over HTTP.
fn check_providers(yaml: &str, expected: &str) {
    let variables = [("TOKEN", "s3cret"), ("WHSEC", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    check_as(&format!("channels:\n{yaml}"), &variables, expected, |config| {
        let told = config.channels.http.iter().map(|(channel, provider)| {
            let Provider { codec, host, connections, allowed, answer } = provider;
            format!("{channel} {} {host:?} {connections} {allowed:?} {answer:?}", codec.name())
        });
        told.collect::<Vec<_>>().join("\n")
    });
}

#[test]
fn providers_are_made_of_the_configuration() {
    let account = "AC0123456789abcdef0123456789abcdef";
    check_providers(
        &format!(
            "  reports: https://hooks.shop.example/\n  sms:\n    twilio: {{ account: {account}, token: $TOKEN, from: '+4930123456' }}\n    \
             rate: 10 per 1s\n    connections: 3\n  whatsapp: {{ phone_number_id: 1060, token: $TOKEN }}\n  \
             webhook: {{ url: 'https://Hooks.shop.example:8443/in', secret: $WHSEC, timeout: 5s }}\n"
        ),
        "sms twilio \"\" 3 Some((10, 1s)) 30s\nwhatsapp whatsapp \"\" 20 None 30s\n\
         webhook webhook \"hooks.shop.example\" 20 None 5s",
    );
    let gateway = "  sms:\n    gateway:\n      url: https://sms.example/\n      headers: { Authorization: Bearer $TOKEN }\n      \
                   json: { to: '{{to}}', text: '{{text}}', key: $TOKEN }\n      success: { status: [200] }\n";
    check_providers(gateway, "sms gateway");
    for (yaml, expected) in [
        ("  sms: {}\n", "channels.sms: write `twilio` or `gateway`"),
        (
            "  sms: { twilio: { account: AC1, token: $TOKEN, from: A } }\n",
            "channels.sms.twilio.account: the account's id",
        ),
        (
            "  sms: { twilio: { account: AC1, token: $NOPE, from: A } }\n",
            "channels.sms.twilio.token: the variable NOPE",
        ),
        (
            "  sms: { twilio: { account: AC1, token: a, from: A, key: b } }\n",
            "channels.sms.twilio: `key` and `key_secret`",
        ),
        ("  push: { fcm: {} }\n", "channels.push.fcm: write `service_account_file"),
        ("  push: { fcm: { service_account: '{}' } }\n", "channels.push.fcm.service_account: not the JSON"),
        ("  push: { fcm: { service_account_file: /nowhere } }\n", "channels.push.fcm: can't read /nowhere"),
        (
            "  whatsapp: { phone_number_id: +49, token: a }\n",
            "channels.whatsapp.phone_number_id: is a number of digits",
        ),
        ("  webhook: { url: shop, secret: $WHSEC }\n", "channels.webhook.url: write an address"),
        ("  webhook: { url: 'https://a.example', secret: plain }\n", "channels.webhook.secret: write whsec_"),
        (
            "  webhook: { url: 'https://a.example', secret: $WHSEC, rate: 5 }\n",
            "channels.webhook.rate: `5` is no rate",
        ),
        (
            "  webhook: { url: 'https://a.example', secret: $WHSEC, connections: 0 }\n",
            "channels.webhook.connections: write a number",
        ),
        ("  reports: hooks\n", "channels.reports: write an address"),
    ] {
        check_providers(yaml, expected);
    }
}

#[test]
fn production_has_keys_of_its_own() {
    let production = |rest: &str| format!("environment: production\nwrite_keys: {{ web: k }}\n{rest}");
    check_channels(&production(""), &[], r#"none (0, "dev")"#);
    check_channels(
        &production(&with("")),
        &[],
        "links.keys: there are none, and messages need links that nobody can forge",
    );
    let keys = "links: { keys: { 1: 0123456789abcdef } }\n";
    check_channels(&production(keys), &[], "links.keys.1: a key does not belong into a file");
    check_channels(
        &production(&format!("{}links: {{ keys: {{ 1: $K }} }}\n", with(""))),
        &[("K", "0123456789abcdef")],
        "[",
    );
}
