use journeyman_domain::MessageId;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use uuid::Uuid;

use super::*;
use crate::conformance::{Conformance, NOW, hold, response, told};

const KEY: &str = include_str!("../../dkim/samples/rsa-pkcs8.pem");

fn account(key: &str) -> String {
    json!({
        "type": "service_account",
        "project_id": "shop-1",
        "private_key_id": "k1",
        "private_key": key,
        "client_email": "push@shop-1.iam.example",
        "token_uri": "https://oauth2.example/token",
    })
    .to_string()
}

fn content(url: Option<&str>) -> Content {
    Content::Push(Notification {
        message: MessageId(Uuid::from_u128(7)),
        to: "device:token_1-a".to_owned(),
        title: Some("Your cart".to_owned()),
        body: "The \"lamp\" is still there".to_owned(),
        url: url.map(str::to_owned),
    })
}

#[test]
fn fcm_conforms() {
    let fcm = Fcm::new(&account(KEY), API).unwrap();
    let error = |code: u16, status: &str, own: &str, more: &str| {
        format!(
            r#"{{"error":{{"code":{code},"message":"said","status":"{status}","details":[{{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"{own}"}}{more}]}}}}"#
        )
    };
    let bad_token = error(
        400,
        "INVALID_ARGUMENT",
        "INVALID_ARGUMENT",
        r#",{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.token","description":"Invalid registration token"}]}"#,
    );
    let bad_field = r#"{"error":{"code":400,"message":"Invalid value","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.data[0].value"}]}]}}"#;
    hold(&Conformance {
        codec: &fcm,
        content: content(Some("https://go.shop.example/c/abc")),
        permit: Some("ya29.token"),
        request: "POST https://fcm.googleapis.com/v1/projects/shop-1/messages:send\ncontent-type: application/json\n\
                  authorization: Bearer ya29.token\n\n\
                  {\"message\":{\"token\":\"device:token_1-a\",\"notification\":{\"body\":\"The \\\"lamp\\\" is still there\",\
                  \"title\":\"Your cart\"},\"data\":{\"message_id\":\"msg_00000000000000000000000000000007\",\
                  \"url\":\"https://go.shop.example/c/abc\"},\"android\":{\"notification\":{\"tag\":\"msg_00000000000000000000000000000007\"}},\
                  \"apns\":{\"headers\":{\"apns-collapse-id\":\"msg_00000000000000000000000000000007\"}},\
                  \"webpush\":{\"notification\":{\"tag\":\"msg_00000000000000000000000000000007\"},\
                  \"fcm_options\":{\"link\":\"https://go.shop.example/c/abc\"}}}}",
        answers: &[
            (
                200,
                &[],
                r#"{"name":"projects/shop-1/messages/0:15"}"#,
                "accepted projects/shop-1/messages/0:15",
            ),
            (200, &[], r#"{"name":"elsewhere"}"#, "unknown"),
            (404, &[], &error(404, "NOT_FOUND", "UNREGISTERED", ""), "rejected no_such_address dead"),
            (400, &[], &bad_token, "rejected no_such_address dead"),
            (400, &[], bad_field, "rejected content"),
            (403, &[], &error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", ""), "rejected sender"),
            (401, &[], &error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", ""), "rejected sender"),
            (
                401,
                &[],
                r#"{"error":{"code":401,"status":"UNAUTHENTICATED","message":"expired"}}"#,
                "retry host",
            ),
            (
                404,
                &[],
                r#"{"error":{"code":404,"status":"NOT_FOUND","message":"no such project"}}"#,
                "retry host",
            ),
            (429, &[], &error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", ""), "retry 60s host"),
            (503, &[("retry-after", "90")], &error(503, "UNAVAILABLE", "UNAVAILABLE", ""), "retry 90s host"),
            (500, &[], &error(500, "INTERNAL", "INTERNAL", ""), "unknown"),
            (502, &[], "<!DOCTYPE html><title>Error 502", "unknown"),
        ],
        status_is_enough: false,
        reports: Vec::new(),
    });
    // Told twice it is one on the screen: what nobody knows of is told again.
    assert_eq!(told(&crate::codec::settled(&fcm, fcm.judge(&response(502, &[], "")))), "retry");
}

#[test]
fn leave_is_asked_for_with_a_signed_assertion() {
    let fcm = Fcm::new(&account(KEY), API).unwrap();
    let request = fcm.permit(NOW).unwrap().unwrap();
    assert_eq!(request.url, "https://oauth2.example/token");
    let fields: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
    assert_eq!(fields[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = fields[1].1.rsplit_once('.').unwrap();
    let part =
        |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
    let (header, claims) = signed.split_once('.').unwrap();
    assert_eq!(part(header), json!({ "alg": "RS256", "typ": "JWT", "kid": "k1" }));
    let expected = json!({
        "iss": "push@shop-1.iam.example", "scope": SCOPE, "aud": "https://oauth2.example/token",
        "iat": NOW, "exp": NOW + 3600,
    });
    assert_eq!(part(claims), expected);
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, fcm.key.public_key());
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    public.verify(signed.as_bytes(), &signature).unwrap();
    assert!(fcm.permit(NOW).unwrap().unwrap() == request);
    assert!(KeyPair::public_key(&fcm.key).as_ref().len() > 200);

    let check = |status: u16, body: &str, follows: &str| match fcm.permitted(&response(status, &[], body)) {
        Ok(permit) => assert_eq!(format!("{} {}s", permit.token, permit.used().as_secs()), follows),
        Err(verdict) => assert_eq!(told(&verdict), follows, "{body}"),
    };
    check(200, r#"{"access_token":"t","expires_in":3599,"token_type":"Bearer"}"#, "t 3479s");
    check(200, r#"{"access_token":"","expires_in":3599}"#, "retry host");
    check(200, "{}", "retry host");
    check(400, r#"{"error":"invalid_grant"}"#, "retry host");
    check(500, "", "retry host");
}

#[test]
fn what_can_not_be_is_refused() {
    let fcm = Fcm::new(&account(KEY), API).unwrap();
    let Content::Push(push) = content(None) else { return };
    for (wrong, field) in [
        (Notification { to: "a b".to_owned(), ..push.clone() }, "to"),
        (Notification { to: String::new(), ..push.clone() }, "to"),
        (Notification { body: " ".to_owned(), ..push.clone() }, "body"),
        (Notification { body: "a".repeat(4000), ..push.clone() }, "body"),
    ] {
        let refusal = fcm.request(&Content::Push(wrong), None, 0).err();
        assert_eq!(refusal.map(|refusal| refusal.field), Some(field));
    }
    for (file, why) in [
        ("{}".to_owned(), "not the JSON"),
        (account("no key"), "no key in PEM"),
        (account(include_str!("../../dkim/samples/ed25519-rfc8463.pem")), "no RSA key"),
        (account(KEY).replace("shop-1", "shop/../1"), "no name of a project"),
    ] {
        let refusal = Fcm::new(&file, API).err().expect(why);
        assert!(refusal.detail.contains(why), "{refusal}");
    }
}
