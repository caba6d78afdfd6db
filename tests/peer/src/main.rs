// SPDX-License-Identifier: MPL-2.0
//! Asks the development server through the official client library: what that library
//! cannot read or does not expect is a mistake of ours.

use kanidm_client::{ClientError, KanidmClient, KanidmClientBuilder};

fn check(what: &str, ok: bool) {
    println!("{} {what}", if ok { "ok    " } else { "FAILED" });
    if !ok {
        std::process::exit(1);
    }
}

fn connect(url: &str, ca: &str) -> KanidmClient {
    KanidmClientBuilder::new()
        .address(url.to_string())
        .add_root_certificate_filepath(ca)
        .expect("the CA file")
        .build()
        .expect("a client")
}

async fn tokens(client: &KanidmClient) {
    let alice = client
        .idm_account_unix_token_get("alice")
        .await
        .expect("the token of alice");
    check("user by name", alice.name == "alice" && alice.gidnumber == 20001);
    check("valid now", alice.valid);
    check("two ssh keys", alice.sshkeys.len() == 2);
    check("private group first", alice.groups[0].gidnumber == 20001);
    check(
        "a login group",
        alice.groups.iter().any(|g| g.name == "shell_users"),
    );
    let by_uid = client.idm_account_unix_token_get("20001").await;
    check("user by uid", by_uid.is_ok_and(|t| t.spn == alice.spn));
    let expired = client.idm_account_unix_token_get("carol").await;
    check("expired user", expired.is_ok_and(|t| !t.valid));

    let group = client
        .idm_group_unix_token_get("shell_users")
        .await
        .expect("the token of shell_users");
    check("group by name", group.gidnumber == 30001);
    let missing = client.idm_account_unix_token_get("nobody").await;
    check(
        "unknown user",
        matches!(missing, Err(ClientError::Http(status, Some(_), _)) if status == 404),
    );
    let group_as_user = client.idm_account_unix_token_get("shell_users").await;
    check(
        "group asked for as a user",
        matches!(group_as_user, Err(ClientError::Http(status, Some(_), _)) if status == 500),
    );
}

async fn passwords(client: &KanidmClient) {
    let right = client
        .idm_account_unix_cred_verify("alice", "Sample-alice-horse-battery-9")
        .await
        .expect("an answer");
    check("right password", right.is_some_and(|t| t.name == "alice"));
    let wrong = client
        .idm_account_unix_cred_verify("alice", "wrong")
        .await
        .expect("an answer");
    check("wrong password", wrong.is_none());
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut args = std::env::args().skip(1);
    let url = args.next().expect("URL");
    let ca = args.next().expect("CA file");
    let client = connect(&url, &ca);

    check(
        "no token before login",
        client.idm_account_unix_token_get("alice").await.is_err(),
    );
    client.auth_anonymous().await.expect("anonymous login");
    check("session is valid", client.auth_valid().await.is_ok());
    let me = client.whoami().await.expect("whoami");
    check(
        "who am I",
        me.is_some_and(|e| e.attrs["name"] == ["anonymous"]),
    );
    tokens(&client).await;
    passwords(&client).await;
}
