-- Fills a new store with closed cases, in either database: their words, evidence, outcome and history, in {channels}
-- channels of each of {workspaces} workspaces, over the thousand days that end at {now}. The first workspace is the stand-in's own.

create table bench_case (team text, n bigint, channel text, person bigint, began bigint);
insert into bench_case
with recursive seq (i) as (select 0 union all select i + 1 from seq where i < {cases} - 1)
select case when i % {workspaces} = 0 then 'T0ACME0001' else 'T0BENCH' || (i % {workspaces}) end,
    i / {workspaces} + 1, 'C0TEAM' || (i / {workspaces} % {channels}), i / {workspaces} % 5000 + 1,
    {now} - cast(86400000 as bigint) * 1000 * ({cases} - i) / {cases}
from seq where {cases} > 0;

insert into person (workspace_id, person_id, user_id)
select distinct team, person, 'U0BENCH' || person from bench_case;

insert into investigation (workspace_id, case_number, revision, channel_id, private, root_ts, message_ts, card_ts, state,
    origin, author_id, opener_id, kind, door, stance, confidence, rules, language, given, began_at, opened_at)
select team, n, 4, channel, 0, (began / 1000) || '.' || (100000 + n % 900000), (began / 1000) || '.' || (100000 + n % 900000),
    (began / 1000 + 60) || '.' || (100000 + n % 900000), 'closed', 'heard', person, person, 'switch_vendor', 'costly',
    'advocating', 0.9, '["switch"]', 'en', '[]', began, began + 3600000
from bench_case;

insert into words (workspace_id, case_number, field, body)
select team, n, field, body from bench_case, (
    select 'title' as field, 'Replace the office printer' as body
    union all select 'said', 'let us replace the office printer, it jams whenever somebody prints more than ten pages'
    union all select 'topic', 'office printer →'
    union all select 'problem', 'it jams whenever somebody prints more than ten pages'
    union all select 'evidence:0:excerpt', 'dkim=fail header.i=@acme.example header.s=k1; spf=softfail') as said;

insert into evidence (workspace_id, case_number, position, kind, poster_id, posted_at, message_ts)
select team, n, 0, 'mail_headers', person, began + 7200000, (began / 1000 + 7200) || '.' || (100000 + n % 900000)
from bench_case;

insert into outcome (workspace_id, case_number, kind, class_id, days, recorder_id, recorded_at)
select team, n, 'averted', 'mail.dkim', 1, person, began + 86400000 from bench_case;

insert into history (workspace_id, case_number, revision, changed_at, state_after, evidence_count)
select team, n, step, began, state, 0 from bench_case, (
    select 1 as step, 'prompted' as state union all select 2, 'open' union all select 4, 'closed') as steps;

insert into case_counter (workspace_id, last_number) select team, max(n) from bench_case group by team;

drop table bench_case;
