//! The words of a case, one row for each field: what is empty has no row.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::query::{Conn, places, sql};
use crate::app::ports::StoreError;
use crate::domain::WorkspaceId;
use crate::domain::investigation::Case;

/// Bodies by field.
pub(super) type Words = BTreeMap<String, String>;

/// Begins the field of a parked proposal; the rest is its message.
pub(super) const PARKED: &str = "parked:";

/// The words of a case as rows.
pub(super) fn of(case: &Case) -> Words {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let statement = &case.statement;
    let mut fields = vec![
        ("title".to_owned(), filled(&case.title)),
        ("matched".to_owned(), filled(&case.matched)),
        ("said".to_owned(), filled(&case.said)),
        ("topic".to_owned(), filled(&case.topic)),
        ("problem".to_owned(), case.problem.clone()),
        ("statement.scope".to_owned(), statement.scope.clone()),
        ("statement.reproduction".to_owned(), statement.reproduction.clone()),
        ("statement.factors".to_owned(), statement.factors.clone()),
        ("statement.constraints".to_owned(), statement.constraints.clone()),
        ("outcome.fixed".to_owned(), case.outcome.as_ref().and_then(|o| o.fixed.clone())),
    ];
    for (position, evidence) in case.evidence.iter().enumerate() {
        let reading = evidence.reading.as_ref();
        fields.extend([
            (format!("evidence:{position}:excerpt"), evidence.excerpt.clone()),
            (format!("evidence:{position}:says"), reading.and_then(|r| filled(&r.says))),
            (format!("evidence:{position}:line"), reading.and_then(|r| filled(&r.line))),
        ]);
    }
    for parked in &case.parked {
        fields.push((format!("{PARKED}{}", parked.message), filled(&parked.said)));
    }
    fields.into_iter().filter_map(|(field, body)| Some((field, body?))).collect()
}

/// Writes what differs, and nothing else; tells whether words were erased.
pub(super) async fn save(conn: &mut Conn, case: &Case, before: &Words) -> Result<bool, StoreError> {
    let after = of(case);
    for field in before.keys().filter(|field| !after.contains_key(*field)) {
        sql("delete from words where workspace_id = $1 and case_number = $2 and field = $3")
            .bind(case.workspace.as_str())
            .bind(i64::from(case.number.0))
            .bind(field)
            .execute(&mut *conn)
            .await?;
    }
    for (field, body) in after.iter().filter(|(field, body)| before.get(*field) != Some(*body)) {
        sql("insert into words (workspace_id, case_number, field, body) values ($1, $2, $3, $4)
             on conflict (workspace_id, case_number, field) do update set body = excluded.body")
        .bind(case.workspace.as_str())
        .bind(i64::from(case.number.0))
        .bind(field)
        .bind(body)
        .execute(&mut *conn)
        .await?;
    }
    Ok(before.iter().any(|(field, body)| after.get(field) != Some(body)))
}

/// The words of some cases.
pub(super) async fn load(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    cases: &[i64],
) -> Result<BTreeMap<i64, Words>, StoreError> {
    let rows: Vec<(i64, String, String)> = sql(AssertSqlSafe(format!(
        "select case_number, field, body from words
         where workspace_id = $1 and case_number in ({})",
        places(2, cases.len())
    )))
    .bind(workspace.as_str())
    .bind_all(cases.iter().map(|number| (*number).into()))
    .fetch_all(conn)
    .await?;
    let mut of = BTreeMap::<_, Words>::new();
    for (case, field, body) in rows {
        of.entry(case).or_default().insert(field, body);
    }
    Ok(of)
}
