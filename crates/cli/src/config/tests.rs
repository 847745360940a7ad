use std::path::PathBuf;

use super::*;

/// One door: a file's text and variables to a line, or to the error.
fn check(yaml: &str, variables: &[(&str, &str)], expected: &str) {
    let dir: PathBuf = std::env::temp_dir().join(format!("journeyman-config-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&dir).unwrap();
    let path = dir.join("journeyman.yaml");
    std::fs::write(&path, yaml).unwrap();
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let got = match Config::read(Some(&path), variable) {
        Ok(config) => format!(
            "{} {} {} {} {} {:?}",
            config.environment.name(),
            config.currency,
            config.time_zone,
            config.public,
            config.private,
            config.write_keys
        ),
        Err(error) => error.to_string().replace(&path.display().to_string(), "FILE"),
    };
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(got.starts_with(expected), "{yaml} {variables:?}\n   got {got}\nwanted {expected}");
}

#[test]
fn the_file_and_the_environment() {
    let defaults = r#"dev EUR UTC 127.0.0.1:8080 127.0.0.1:8081 {"dev": "dev"}"#;
    check("", &[], defaults);
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
    check("senders: {}\n", &[], "FILE: `senders` is not read by this version yet; leave it out");
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
