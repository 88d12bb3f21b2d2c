//! Where the files go, as the setting `path` says it.

use std::path::PathBuf;
use std::str::FromStr;

/// A place for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A folder on this machine.
    Directory(PathBuf),
    /// A bucket, and what the keys in it begin with: empty or without slashes at its ends.
    Bucket {
        /// Its name.
        bucket: String,
        /// What its keys begin with.
        prefix: String,
    },
}

impl FromStr for Target {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        match path.split_once("://") {
            None if path.is_empty() => {
                Err("required: a folder, as ./data/lake, or a bucket, as s3://bucket/prefix".to_owned())
            }
            None => Ok(Self::Directory(path.into())),
            Some(("file", folder)) if folder.starts_with('/') => Ok(Self::Directory(folder.into())),
            Some(("file", folder)) => {
                Err(format!("file://{folder} names a host: write file:///, then the folder from the root"))
            }
            Some(("s3", rest)) => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                match bucket {
                    "" => Err("s3:// without a bucket: write s3://bucket/prefix".to_owned()),
                    bucket => {
                        let prefix = prefix.trim_matches('/').to_owned();
                        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix })
                    }
                }
            }
            Some((scheme, _)) => {
                Err(format!("{scheme}:// is not supported: write a folder, file:/// or s3://bucket/prefix"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_folder_a_file_url_or_a_bucket() {
        assert_eq!("./data/lake".parse(), Ok(Target::Directory("./data/lake".into())));
        assert_eq!("file:///abs/lake".parse(), Ok(Target::Directory("/abs/lake".into())));
        for (path, prefix) in [("s3://b", ""), ("s3://b/", ""), ("s3://b/x/y/", "x/y")] {
            assert_eq!(path.parse(), Ok(Target::Bucket { bucket: "b".into(), prefix: prefix.into() }));
        }
        for wrong in ["", "s3://", "s3:///x", "file://lake", "gs://bucket/x"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong:?} was taken");
        }
    }
}
