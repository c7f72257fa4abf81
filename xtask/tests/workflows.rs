//! The workflows of hosted runners: nothing else here reads them, and GitHub tells of a mistake when it is too late.
//!
//! Each is held against SchemaStore's schema of workflows (`workflows/README.md`), which knows every key and its kind, and
//! against what no schema can say: that the jobs exist which a job needs, that none needs itself in the end, that an
//! expression names a key of the job's matrix, and that an action is pinned by its hash. What a planted mistake is
//! answered with stands at the end.

use std::fs;
use std::path::{Path, PathBuf};

use jsonschema::Validator;
use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

const SCHEMA: &str = include_str!("workflows/github-workflow.json");

/// The workflows of this repository: their names and texts.
fn workflows() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows");
    let entries = fs::read_dir(&folder).expect("the workflows");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        (name.into_owned(), fs::read_to_string(path).expect("a text"))
    };
    paths.iter().map(read).collect()
}

fn schema() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Everything that is wrong with a workflow.
fn faults(schema: &Validator, text: &str) -> Vec<String> {
    let document = match YamlLoader::load_from_str(text) {
        Ok(documents) if documents.len() == 1 => json(&documents[0]),
        Ok(documents) => Err(format!("{} documents instead of one", documents.len())),
        Err(error) => Err(error.to_string()),
    };
    let document = match document {
        Ok(document) => document,
        Err(fault) => return vec![fault],
    };
    let mut faults: Vec<String> = schema
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    let nothing = Map::new();
    let jobs = document["jobs"].as_object().unwrap_or(&nothing);
    for (name, job) in jobs {
        let named = |fault| format!("job {name}: {fault}");
        faults.extend(needs(jobs, name).into_iter().map(named));
        faults.extend(matrix(job).into_iter().map(named));
        faults.extend(pins(job).into_iter().map(named));
    }
    faults
}

/// A document of YAML as one of JSON. Keys are texts, also `on`, which YAML 1.1 took for a truth.
fn json(yaml: &Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Real(text) => Value::from(text.parse::<f64>().map_err(|error| error.to_string())?),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Boolean(is_true) => Value::from(*is_true),
        Yaml::Array(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Yaml::Hash(pairs) => {
            let pair = |(key, value): (&Yaml, &Yaml)| {
                let key = key
                    .as_str()
                    .ok_or_else(|| format!("{key:?} is no name of a key"))?;
                Ok((key.to_owned(), json(value)?))
            };
            Value::Object(pairs.iter().map(pair).collect::<Result<_, String>>()?)
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => return Err(format!("{yaml:?} is not understood")),
    })
}

/// The jobs that a job needs.
fn needed(job: &Value) -> Vec<&str> {
    let list = |needs: &'_ Value| match needs {
        Value::String(_) => 1,
        Value::Array(names) => names.len(),
        _ => 0,
    };
    let needs = &job["needs"];
    let name = |index: usize| needs.as_str().or_else(|| needs[index].as_str());
    (0..list(needs)).filter_map(name).collect()
}

fn needs(jobs: &Map<String, Value>, name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for needed in needed(&jobs[name]) {
        if !jobs.contains_key(needed) {
            faults.push(format!("it needs {needed}, and there is no such job"));
        }
    }
    // Everything that it waits for, directly or not.
    let mut open = needed(&jobs[name]);
    let mut seen = Vec::new();
    while let Some(next) = open.pop() {
        if next == name {
            faults.push("in the end it needs itself".to_owned());
        }
        if !seen.contains(&next) && next != name {
            seen.push(next);
            open.extend(jobs.get(next).map(needed).unwrap_or_default());
        }
    }
    faults
}

/// Expressions that name a key which the job's matrix does not have.
fn matrix(job: &Value) -> Vec<String> {
    let nothing = Map::new();
    let matrix = job["strategy"]["matrix"].as_object().unwrap_or(&nothing);
    let included = matrix.get("include").and_then(Value::as_array);
    let included = included.into_iter().flatten().filter_map(Value::as_object);
    let has =
        |key: &str| matrix.contains_key(key) || included.clone().any(|row| row.contains_key(key));
    let text = job.to_string();
    let used = text.split("matrix.").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
        &rest[..end.unwrap_or(rest.len())]
    });
    used.filter(|key| !has(key))
        .map(|key| format!("matrix.{key} is no key of its matrix"))
        .collect()
}

/// Actions that are named by what somebody else may move.
fn pins(job: &Value) -> Vec<String> {
    let steps = job["steps"].as_array().into_iter().flatten();
    let used = steps.filter_map(|step| step["uses"].as_str());
    let is_pinned = |action: &str| {
        let hash = action.rsplit_once('@').map_or("", |(_, hash)| hash);
        hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    used.filter(|action| !is_pinned(action))
        .map(|action| format!("{action} is not pinned by the hash of a commit"))
        .collect()
}

#[test]
fn the_workflows_are_what_github_understands() {
    let (schema, workflows) = (schema(), workflows());
    assert!(!workflows.is_empty());
    for (name, text) in workflows {
        assert_eq!(faults(&schema, &text), [""; 0], "{name}");
    }
}

/// A mistake that is planted into the workflow for Windows, and words of what is said to it.
const MISTAKES: [(&str, &str, &str); 13] = [
    (
        "    timeout-minutes: 90",
        "    timeout-minute: 90",
        "/jobs/cases: ",
    ),
    ("    needs: harness", "    need: harness", "/jobs/cases: "),
    (
        "    needs: harness",
        "    needs: harnes",
        "job cases: it needs harnes, and there is no such job",
    ),
    (
        "  harness:\n",
        "  harness:\n    needs: [cases]\n",
        "job harness: in the end it needs itself",
    ),
    (
        "    runs-on: windows-2022\n",
        "    run-on: windows-2022\n",
        "/jobs/package: ",
    ),
    (
        "        if: always()\n",
        "        iff: always()\n",
        "/jobs/",
    ),
    (
        "          name: package-x64\n",
        "          name: [package-x64]\n",
        "/jobs/install: ",
    ),
    ("    branches: [main]", "    branchs: [main]", "/on"),
    ("  pull_request:\n", "  pull_requests:\n", "/on"),
    (
        "permissions:\n",
        "permission:\n",
        "'permission' was unexpected",
    ),
    (
        "matrix.os",
        "matrix.oss",
        "job cases: matrix.oss is no key of its matrix",
    ),
    (
        "11bd71901bbe5b1630ceea73d27597364c9af683",
        "v4",
        "actions/checkout@v4 is not pinned by the hash of a commit",
    ),
    ("jobs:\n", "jobs: {}\njobs:\n", "duplicated key"),
];

#[test]
fn a_planted_mistake_is_told() {
    let schema = schema();
    let workflows = workflows();
    let named = workflows.iter().find(|(name, _)| name == "windows.yml");
    let (_, text) = named.expect("the workflow for Windows");
    for (right, wrong, said) in MISTAKES {
        assert!(text.contains(right), "{right:?} is not in it");
        let faults = faults(&schema, &text.replace(right, wrong)).join("\n");
        assert!(faults.contains(said), "{wrong:?}: {faults}");
    }
}
