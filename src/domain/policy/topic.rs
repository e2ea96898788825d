//! What a proposal is about, so that the same one in other words is recognised.
//!
//! A topic is kept as words: `mailchimp → sendgrid`, `mailchimp →`, `→ sendgrid`, or, where nothing is named,
//! the kind and its words: `rewrite: importer nightly`. To teach it another spelling, add it to [`SPELLINGS`].

use super::super::detect::Verdict;

/// Parts what is left from what is reached.
const ARROW: char = '→';

/// Other spellings of a name.
const SPELLINGS: &[(&str, &str)] = &[
    ("k8s", "kubernetes"),
    ("kube", "kubernetes"),
    ("postgresql", "postgres"),
    ("pg", "postgres"),
    ("psql", "postgres"),
    ("javascript", "js"),
    ("typescript", "ts"),
    ("golang", "go"),
    ("gh", "github"),
    ("gha", "github actions"),
    ("gcp", "google cloud"),
    ("mongo", "mongodb"),
    ("dynamo", "dynamodb"),
    ("elastic", "elasticsearch"),
    ("es", "elasticsearch"),
    ("rabbit", "rabbitmq"),
    ("subversion", "svn"),
    ("mercurial", "hg"),
    ("tf", "terraform"),
    ("nodejs", "node"),
    ("node.js", "node"),
    ("reactjs", "react"),
    ("react.js", "react"),
    ("vuejs", "vue"),
    ("vue.js", "vue"),
    ("dotnet", ".net"),
    ("mssql", "sql server"),
    ("msteams", "teams"),
    ("repository", "repo"),
    ("repositories", "repo"),
    ("db", "database"),
    ("app", "application"),
    ("svc", "service"),
    ("email", "mail"),
    ("e-mail", "mail"),
    ("frontend", "front end"),
    ("backend", "back end"),
    ("micro-services", "microservice"),
    ("ci/cd", "ci"),
];

/// Names that are often written apart.
const COMPOUNDS: &[(&str, &str, &str)] = &[
    ("mail", "chimp", "mailchimp"),
    ("send", "grid", "sendgrid"),
    ("circle", "ci", "circleci"),
    ("rabbit", "mq", "rabbitmq"),
    ("git", "hub", "github"),
    ("git", "lab", "gitlab"),
    ("mongo", "db", "mongodb"),
    ("my", "sql", "mysql"),
    ("elastic", "search", "elasticsearch"),
    ("micro", "services", "microservice"),
    ("micro", "service", "microservice"),
    ("data", "dog", "datadog"),
];

/// Words that tell what something is, not which one: alone they name nothing.
const GENERIC: &[&str] = &[
    "provider",
    "vendor",
    "supplier",
    "tool",
    "service",
    "system",
    "server",
    "platform",
    "thing",
    "stuff",
    "software",
    "solution",
    "setup",
    "stack",
    "application",
    "database",
    "repo",
    "code",
    "host",
    "hosting",
    "cluster",
    "library",
    "framework",
    "product",
    "instance",
    "one",
];

/// What products are for, by the words people use instead of the name.
const PURPOSES: &[(&str, &[&str])] = &[
    (
        "mail",
        &["mailchimp", "sendgrid", "postmark", "mailgun", "ses", "brevo", "mailjet", "sparkpost"],
    ),
    (
        "ci",
        &[
            "jenkins",
            "travis",
            "circleci",
            "github actions",
            "gitlab ci",
            "teamcity",
            "bamboo",
            "buildkite",
        ],
    ),
    ("chat", &["slack", "teams", "zulip", "mattermost", "discord", "gitter", "irc"]),
    ("tracker", &["jira", "linear", "redmine", "trac", "bugzilla", "youtrack"]),
    ("search", &["solr", "elasticsearch", "opensearch", "lucene", "algolia"]),
    ("queue", &["kafka", "rabbitmq", "sqs", "pulsar", "nats", "activemq"]),
    ("wiki", &["confluence", "notion", "mediawiki", "dokuwiki"]),
    ("monitoring", &["datadog", "prometheus", "nagios", "zabbix", "new relic", "dynatrace"]),
    ("cdn", &["fastly", "akamai", "cloudflare", "cloudfront"]),
    ("cloud", &["aws", "azure", "google cloud", "heroku"]),
    ("orchestrator", &["kubernetes", "nomad", "swarm", "ecs"]),
    ("version control", &["svn", "cvs", "hg", "git", "perforce"]),
    ("payment", &["stripe", "adyen", "paypal", "braintree", "mollie"]),
    ("identity", &["okta", "auth0", "keycloak", "cognito"]),
    ("sms", &["twilio", "sinch", "vonage", "messagebird"]),
];

/// Words before a name that are no part of it.
const ARTICLES: &[&str] = &[
    "the", "a", "an", "our", "my", "your", "their", "its", "this", "that", "these", "those", "all",
    "old", "new", "whole", "entire", "current", "existing", "own", "some", "more", "of",
];

/// Words that say how something is proposed, or nothing.
const SMALL: &[&str] = &[
    "to",
    "from",
    "off",
    "on",
    "onto",
    "in",
    "into",
    "for",
    "with",
    "by",
    "and",
    "or",
    "at",
    "as",
    "be",
    "is",
    "are",
    "it",
    "we",
    "i",
    "you",
    "us",
    "should",
    "could",
    "would",
    "can",
    "shall",
    "must",
    "need",
    "needs",
    "want",
    "have",
    "has",
    "do",
    "let",
    "lets",
    "let's",
    "what",
    "if",
    "about",
    "how",
    "why",
    "not",
    "time",
    "think",
    "maybe",
    "i'd",
    "perhaps",
    "just",
    "really",
    "finally",
    "please",
    "propose",
    "suggest",
    "vote",
    "like",
    "love",
    "away",
    "out",
    "over",
    "up",
    "move",
    "moving",
    "switch",
    "switching",
    "migrate",
    "migrating",
    "replace",
    "replacing",
    "leave",
    "leaving",
    "ditch",
    "ditching",
    "drop",
    "dropping",
    "go",
    "going",
    "get",
    "rid",
    "use",
    "using",
    "adopt",
    "adopting",
];

/// A fingerprint of what is discussed.
pub fn topic(verdict: &Verdict, text: &str) -> String {
    let name = |name: &Option<String>| {
        let mut words = words(name.as_deref().unwrap_or_default());
        words.retain(|word| !ARTICLES.contains(&word.as_str()));
        words.join(" ")
    };
    let (from, to) = (name(&verdict.from), name(&verdict.to));
    if !from.is_empty() || !to.is_empty() {
        return format!("{from} {ARROW} {to}").trim().to_owned();
    }
    let mut words = words(verdict.matched(text));
    words.retain(|word| ![ARTICLES, SMALL].concat().contains(&word.as_str()));
    words.sort();
    words.dedup();
    format!("{}: {}", verdict.kind, words.join(" "))
}

/// Whether two topics are the same one: they leave the same thing; or they reach the same and neither names another
/// thing it leaves; or, without names, they would do the same with mostly the same words.
pub fn same_topic(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    match (Topic::read(one), Topic::read(other)) {
        (Topic::Named(a, b), Topic::Named(c, d)) => same_named((&a, &b), (&c, &d)),
        (Topic::Named(from, to), Topic::Said(_, words))
        | (Topic::Said(_, words), Topic::Named(from, to)) => {
            let name = if from.is_empty() { to } else { from };
            !generic(&name) && name.iter().all(|word| words.contains(word))
        }
        (Topic::Said(kind, a), Topic::Said(other_kind, b)) => {
            let both = a.iter().filter(|word| b.contains(word)).count();
            let fewer = a.len().min(b.len());
            fewer > 0 && both * 3 >= fewer * if kind == other_kind { 2 } else { 3 }
        }
    }
}

/// A topic as it is kept, taken apart; words without their endings.
enum Topic<'t> {
    /// What is left and what is reached.
    Named(Vec<String>, Vec<String>),
    /// The kind and the words.
    Said(&'t str, Vec<String>),
}

impl<'t> Topic<'t> {
    fn read(topic: &'t str) -> Self {
        let stems = |text: &str| words(text).iter().map(|word| stem(word).to_owned()).collect();
        match (topic.split_once(ARROW), topic.split_once(':')) {
            (Some((from, to)), _) => Self::Named(stems(from), stems(to)),
            (None, Some((kind, said))) => Self::Said(kind, stems(said)),
            (None, None) => Self::Said("", stems(topic)),
        }
    }
}

type Ends<'a> = (&'a [String], &'a [String]);

fn same_named((from, to): Ends<'_>, (other_from, other_to): Ends<'_>) -> bool {
    if !from.is_empty() && !other_from.is_empty() {
        // "the database → Postgres" and "MySQL → Postgres": the first does not say which one it leaves.
        let open = generic(from) || generic(other_from);
        return same_name(from, other_from) || (open && same_name(to, other_to));
    }
    same_name(to, other_to)
}

/// Whether two names name the same thing: the same words, all words of one in the other, or its purpose for the product.
fn same_name(one: &[String], other: &[String]) -> bool {
    let within = |a: &[String], b: &[String]| !generic(a) && a.iter().all(|word| b.contains(word));
    within(one, other)
        || within(other, one)
        || (one == other && !one.is_empty())
        || serves(one, other)
        || serves(other, one)
}

/// Whether `product` is one of what `purpose` names ("mail provider" and "mailchimp").
fn serves(purpose: &[String], product: &[String]) -> bool {
    let named: Vec<&str> =
        purpose.iter().map(String::as_str).filter(|w| !GENERIC.contains(w)).collect();
    PURPOSES.iter().any(|(name, products)| {
        let product_named = |p: &&&str| {
            let words: Vec<&str> = p.split(' ').map(stem).collect();
            words.iter().all(|word| product.iter().any(|own| own == word))
        };
        let asked: Vec<&str> = name.split(' ').map(stem).collect();
        !named.is_empty()
            && named.iter().all(|word| asked.contains(word))
            && products.iter().any(|p| product_named(&p))
    })
}

/// Whether a name says only what something is.
fn generic(name: &[String]) -> bool {
    name.iter().all(|word| GENERIC.iter().any(|generic| stem(generic) == word))
}

/// The words of a text, lowered, each name in one spelling.
fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase().replace('’', "'");
    let bare = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !"+#.".contains(c));
        let word = word.trim_end_matches('.');
        word.strip_suffix("'s").unwrap_or(word).to_owned()
    };
    let parts = |c: char| c.is_whitespace() || ",;:?!()[]{}\"`<>|&=*~".contains(c);
    let raw: Vec<String> = text.split(parts).map(bare).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(word) = raw.get(at) {
        let compound = raw.get(at + 1).and_then(|next| {
            COMPOUNDS.iter().find(|(a, b, _)| a == word && b == next).map(|known| known.2)
        });
        let spelled = SPELLINGS.iter().find(|(other, _)| other == word).map(|known| known.1);
        at += if compound.is_some() { 2 } else { 1 };
        for part in compound.or(spelled).unwrap_or(word).split([' ', '-', '/', '_']) {
            if !part.is_empty() {
                found.push(part.to_owned());
            }
        }
    }
    found
}

/// A word without its plural or verb ending.
fn stem(word: &str) -> &str {
    let ending = ["ies", "ing", "ed", "es", "s", "e"].into_iter().find(|ending| {
        word.ends_with(ending) && word.len() >= 3 + ending.len() && !word.ends_with("ss")
    });
    ending.map_or(word, |ending| &word[..word.len() - ending.len()])
}
