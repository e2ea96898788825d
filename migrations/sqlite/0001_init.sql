-- The store of Second Look, first version. Rules of this folder: migrations/README.md.
--
-- Every key starts with workspace_id, so that one workspace can be read, moved or deleted alone.
-- Words (free text) and people live in tables of their own, which the rest references by id: they can be erased, and
-- conclusions and numbers stay. Times are milliseconds since 1970 (UTC); 0/1 stands for no/yes; lists are JSON.

-- A workspace the bot works in.
create table workspace (
    workspace_id text not null,
    bot_user_id text not null,
    bot_id text not null,
    url text not null,
    -- When the app was removed there: its work rests until the app is installed again; after a time of grace
    -- everything about it is deleted.
    uninstalled_at integer,
    -- Set with the first batch of that deletion: whoever installs the app from then on begins anew.
    erasing integer not null default 0,
    -- Fingerprint of the token that was configured when Slack said it is this workspace's: with Slack out of reach, it
    -- tells whose it is.
    own_token text,
    constraint workspace_pk primary key (workspace_id)
) strict;

-- Where the app was installed by OAuth.
create table installation (
    workspace_id text not null,
    installed_at integer not null,
    -- Names the key its tokens are sealed with; the key itself is nowhere in here.
    key_id text not null,
    -- Its tokens, encrypted and bound to this workspace: in another row they can't be read.
    sealed text not null,
    expires_at integer,
    -- Set while one process renews the tokens: a refresh token works once.
    renewing_until integer,
    renewal_failed text,
    -- Counts the changes; a change made on an old copy is refused.
    revision integer not null,
    constraint installation_pk primary key (workspace_id)
) strict;

-- The last case number given out. Apart from workspace, because a number may be needed before the bot knows itself.
create table case_counter (
    workspace_id text not null,
    last_number integer not null,
    constraint case_counter_pk primary key (workspace_id)
) strict;

-- Events that had their effect, so that a second delivery has none. Forgotten after a day.
create table seen_event (
    workspace_id text not null,
    event_key text not null,
    seen_at integer not null,
    constraint seen_event_pk primary key (workspace_id, event_key)
) strict, without rowid;

create index seen_event_age on seen_event (seen_at);

-- Weeks whose digest was asked for ('2026-W47'), so that it is posted once, however many replicas look.
create table digest (
    workspace_id text not null,
    week text not null,
    asked_at integer not null,
    constraint digest_pk primary key (workspace_id, week)
) strict, without rowid;

-- People whom something recorded references. "Forget me" sets user_id to null: whoever it was, it was one person.
-- A person whom nothing references any more is deleted: no list of whom the bot ever met.
create table person (
    workspace_id text not null,
    person_id integer not null,
    user_id text,
    constraint person_pk primary key (workspace_id, person_id),
    constraint person_user_uq unique (workspace_id, user_id)
) strict;

-- A case: a prompt, and perhaps an investigation. No words, no names.
create table investigation (
    workspace_id text not null,
    case_number integer not null,
    -- Counts the changes; a change made on an old copy is refused.
    revision integer not null,
    channel_id text not null,
    private integer not null,
    root_ts text,
    -- The message it is about: the root itself, or a reply in its thread.
    message_ts text,
    card_ts text,
    state text not null,
    origin text not null,
    author_id integer,
    opener_id integer,
    kind text not null,
    door text not null,
    stance text not null,
    confidence real not null,
    rules text not null,
    language text not null,
    given text not null,
    silence text,
    began_at integer not null,
    opened_at integer,
    constraint investigation_pk primary key (workspace_id, case_number),
    -- Two deliveries of one message (message and app_mention) at once make one case.
    constraint investigation_thread_uq unique (workspace_id, channel_id, root_ts),
    constraint investigation_author_fk foreign key (workspace_id, author_id) references person (workspace_id, person_id),
    constraint investigation_opener_fk foreign key (workspace_id, opener_id) references person (workspace_id, person_id)
) strict;

-- The cooldown asks for the last thirty days of one channel.
create index investigation_channel on investigation (workspace_id, channel_id, began_at);
create index investigation_message on investigation (workspace_id, channel_id, message_ts);
-- A person who asks for evidence silences what waits in the channel: a minute's cases at most.
create index investigation_waiting on investigation (workspace_id, channel_id) where state = 'waiting';
-- Lists show investigations only; most cases never become one.
create index investigation_listed on investigation (workspace_id, case_number) where state in ('open', 'closed');
-- The digest asks for those that are open, which are few beside those that were closed.
create index investigation_open on investigation (workspace_id, opened_at) where state = 'open';
-- Prompts that nobody opened go after a year.
create index investigation_unopened on investigation (began_at) where state in ('waiting', 'prompted', 'silent');
-- Whether anything still references a person.
create index investigation_author on investigation (workspace_id, author_id);
create index investigation_opener on investigation (workspace_id, opener_id);

-- Every word of a case that somebody wrote, by the name of its field ('title', 'evidence:0:excerpt'; a proposal parked
-- during an incident by its message: 'parked:1763712000.000100').
create table words (
    workspace_id text not null,
    case_number integer not null,
    field text not null,
    body text not null,
    constraint words_pk primary key (workspace_id, case_number, field),
    constraint words_investigation_fk foreign key (workspace_id, case_number)
        references investigation (workspace_id, case_number) on delete cascade
) strict, without rowid;

-- What was posted, in its order. Its excerpt and the line it was read from are words.
create table evidence (
    workspace_id text not null,
    case_number integer not null,
    position integer not null,
    kind text not null,
    poster_id integer,
    posted_at integer not null,
    message_ts text,
    -- The file of that message it was read from; when that goes, this goes.
    file_id text,
    permalink text,
    -- The classes its reading speaks for and against; both null when nothing was read from it.
    supports text,
    against text,
    constraint evidence_pk primary key (workspace_id, case_number, position),
    constraint evidence_investigation_fk foreign key (workspace_id, case_number)
        references investigation (workspace_id, case_number) on delete cascade,
    constraint evidence_poster_fk foreign key (workspace_id, poster_id) references person (workspace_id, person_id)
) strict, without rowid;

create index evidence_message on evidence (workspace_id, message_ts);
create index evidence_poster on evidence (workspace_id, poster_id);

-- How a case ended, as a person recorded it. What fixed it is words.
create table outcome (
    workspace_id text not null,
    case_number integer not null,
    kind text not null,
    class_id text,
    days real,
    recorder_id integer,
    recorded_at integer not null,
    -- When the words, people and evidence of the case were deleted because of its age.
    forgotten_at integer,
    constraint outcome_pk primary key (workspace_id, case_number),
    constraint outcome_investigation_fk foreign key (workspace_id, case_number)
        references investigation (workspace_id, case_number) on delete cascade,
    constraint outcome_recorder_fk foreign key (workspace_id, recorder_id) references person (workspace_id, person_id)
) strict, without rowid;

create index outcome_recorder on outcome (workspace_id, recorder_id);
-- The digest asks for those of a week.
create index outcome_recorded on outcome (workspace_id, recorded_at);
-- What is due to be forgotten, the oldest first.
create index outcome_remembered on outcome (recorded_at) where forgotten_at is null;

-- Every change of a case's state, appended and never changed: neither words nor people.
create table history (
    workspace_id text not null,
    case_number integer not null,
    revision integer not null,
    changed_at integer not null,
    state_before text,
    state_after text not null,
    evidence_count integer not null,
    outcome_kind text,
    constraint history_pk primary key (workspace_id, case_number, revision)
) strict, without rowid;

-- What people decided about a channel, and whether the bot is there. One that nobody decided about has no row.
create table channel (
    workspace_id text not null,
    channel_id text not null,
    revision integer not null,
    mode text not null,
    paused_until integer,
    -- The bot was sent out, or the channel is archived or deleted.
    gone integer not null,
    -- When it was decided to greet the channel: once for ever.
    greeted_at integer,
    -- The one case of an incident channel.
    incident_number integer,
    constraint channel_pk primary key (workspace_id, channel_id)
) strict, without rowid;

-- Topics never to speak about in a channel. Words of people, hence apart.
create table topic_silence (
    workspace_id text not null,
    channel_id text not null,
    topic text not null,
    constraint topic_silence_pk primary key (workspace_id, channel_id, topic),
    constraint topic_silence_channel_fk foreign key (workspace_id, channel_id)
        references channel (workspace_id, channel_id) on delete cascade
) strict, without rowid;

-- Due work; also the outbox. A row lives until its work is done.
create table job (
    -- The one key of its own: never given out twice, so that a worker that lost its job can't end the next one.
    job_id integer not null primary key autoincrement,
    workspace_id text not null,
    job_key text not null,
    kind text not null,
    -- Work on a channel has none.
    case_number integer,
    -- What the work needs beyond its kind and case. A file's is emptied when it is given up: it names a person.
    payload text not null,
    run_at integer not null,
    -- Since when it has been due, once an attempt has moved run_at.
    waits_since integer,
    attempts integer not null default 0,
    -- Whether an attempt may have had its effect without our knowing: how many looks must find nothing before it is repeated.
    uncertain integer not null default 0,
    -- Counts the claims; who holds the last one holds the job.
    lease integer not null default 0,
    -- Set while the job is in flight.
    lease_until integer,
    -- Asked for again while in flight: run once more, then.
    again_at integer,
    -- Cancelled while in flight: it may finish, changes no case, and is not tried again.
    cancelled integer not null default 0,
    -- Why and when it was given up.
    parked_because text,
    parked_at integer,
    constraint job_key_uq unique (workspace_id, job_key)
) strict;

create index job_due on job (coalesce(lease_until, run_at), job_id) where parked_because is null and cancelled = 0;
create index job_cancelled on job (lease_until) where cancelled = 1;
create index job_parked on job (parked_at) where parked_because is not null;
