//! `auth.test`, `team.info`, `users.*`, `usergroups.*`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Args, Outcome};
use crate::playground::options::Person;
use crate::playground::world::World;

pub(super) fn auth_test(world: &World) -> Value {
    let (team, app) = (&world.options.workspace, &world.options.app);
    let handle = app.name.to_lowercase().replace(' ', "");
    let org = world.options.org_wide;
    json!({
        "url": format!("https://{}.slack.com/", team.domain), "team": team.name,
        "team_id": if org { world.enterprise() } else { json!(team.id) }, "enterprise_id": world.enterprise(),
        "user": handle, "user_id": app.user_id, "bot_id": app.bot_id, "is_enterprise_install": org,
    })
}

pub(super) fn team(world: &World) -> Value {
    let team = &world.options.workspace;
    json!({ "team": {
        "id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": { "image_default": true },
        "url": format!("https://{}.slack.com/", team.domain), "is_verified": false,
    } })
}

pub(super) fn info(world: &World, args: &Args) -> Outcome {
    let id = args.need("user")?;
    let all = people(world);
    Ok(json!({ "user": all.into_iter().find(|user| user["id"] == id).ok_or("user_not_found")? }))
}

pub(super) fn list(world: &World) -> Value {
    json!({ "members": people(world), "response_metadata": { "next_cursor": "" } })
}

pub(super) fn groups(world: &World) -> Value {
    let team = &world.options.workspace;
    let groups: Vec<Value> = team
        .usergroups
        .iter()
        .map(|(id, members)| {
            json!({
                "id": id, "team_id": team.id, "is_usergroup": true, "name": id, "handle": id.to_lowercase(),
                "description": "", "is_external": false, "date_create": 1_700_000_000, "date_update": 1_700_000_000,
                "date_delete": 0, "created_by": members.first(), "user_count": members.len(),
            })
        })
        .collect();
    json!({ "usergroups": groups })
}

pub(super) fn group_users(world: &World, args: &Args) -> Outcome {
    let id = args.need("usergroup")?;
    let group = world.options.workspace.usergroups.iter().find(|(group, _)| group == id);
    Ok(json!({ "users": group.ok_or("no_such_subteam")?.1 }))
}

fn people(world: &World) -> Vec<Value> {
    let app = &world.options.app;
    let bot = Person {
        id: app.user_id.clone(),
        name: app.name.to_lowercase().replace(' ', ""),
        real_name: app.name.clone(),
        tz: "America/Los_Angeles".to_owned(),
        ..Person::default()
    };
    let people = world.options.workspace.people.iter().map(|person| person_json(world, person));
    let mut bot = person_json(world, &bot);
    bot["is_bot"] = json!(true);
    bot["profile"]["bot_id"] = json!(app.bot_id);
    people.chain([bot]).collect()
}

fn person_json(world: &World, person: &Person) -> Value {
    let zone = TimeZone::get(&person.tz).unwrap_or(TimeZone::UTC);
    let offset = zone
        .to_offset(Timestamp::try_from(super::super::wire::now()).unwrap_or_default())
        .seconds();
    json!({
        "id": person.id, "team_id": world.options.workspace.id, "name": person.name, "deleted": false, "color": "9f69e7",
        "real_name": person.real_name, "tz": person.tz, "tz_label": person.tz, "tz_offset": offset,
        "profile": {
            "title": person.title, "real_name": person.real_name, "real_name_normalized": person.real_name,
            "display_name": person.name, "display_name_normalized": person.name, "team": world.options.workspace.id,
        },
        "is_admin": person.admin, "is_owner": false, "is_primary_owner": false, "is_restricted": person.guest,
        "is_ultra_restricted": false, "is_bot": false, "is_app_user": false, "updated": 1_700_000_000,
        "is_email_confirmed": true, "who_can_share_contact_card": "EVERYONE",
    })
}
