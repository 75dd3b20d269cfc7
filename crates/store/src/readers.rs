//! Analysts' users that a command creates, lists and drops by SQL, on a server with access management.
//! `access.rs` describes their rights.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use crate::access::{self, EnteReader};
use crate::sql::{Statement, statement};
use crate::{Admin, StoreError};

/// Comment that identifies the databases of these readers.
const COMMENT: &str = "Views of a reader, made by `affluenza readers`";

/// A reader that a command created.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct ListedReader {
    /// User name.
    pub user: String,
    /// Codes of the enti; empty for all.
    pub enti: Vec<String>,
}

/// True for a name that a reader may have: letters, digits and `_`, and no name of this program.
pub fn is_reader_name(user: &str) -> bool {
    user.starts_with(|c: char| c.is_ascii_alphabetic())
        && user
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !["default", "affluenza", "affluenza_reader"].contains(&user)
        && !user.starts_with("affluenza_views_")
}

impl Admin {
    /// Creates a reader, or replaces the password and the rights of one. A reader is created again
    /// after a migration that adds tables.
    ///
    /// # Errors
    /// The name belongs to a user that no command of this program created.
    pub async fn create_reader(&self, reader: &EnteReader) -> Result<(), StoreError> {
        let known = self.readers().await?;
        if !known.iter().any(|one| one.user == reader.user) {
            let count = "SELECT count() FROM system.users WHERE name = {user:String}";
            let count = Statement::from(count).bind("user", reader.user.as_str());
            if self.0.one::<u64>(count).await? > 0 {
                return Err(StoreError::OtherUser {
                    user: reader.user.clone(),
                });
            }
        }
        // The views of another installation, or its tables, may have this name.
        let foreign = "SELECT count() FROM system.databases WHERE name = {name:String} AND comment != {comment:String}";
        let foreign = Statement::from(foreign)
            .bind("name", reader.database(self.0.name()))
            .bind("comment", COMMENT);
        if self.0.one::<u64>(foreign).await? > 0 {
            return Err(StoreError::OtherUser {
                user: reader.user.clone(),
            });
        }
        let config = &self.0.config;
        let profile = std::iter::once(access::profile(config));
        for statement in profile.chain(access::users_of(config, reader)) {
            self.0.execute_everywhere(statement).await?;
        }
        self.create_views_of(reader, COMMENT).await
    }

    /// Returns the readers that a command created.
    pub async fn readers(&self) -> Result<Vec<ListedReader>, StoreError> {
        let query = statement!("readers").bind("database", self.0.name());
        self.0.rows(query).await
    }

    /// Drops a reader, its views and its rights.
    ///
    /// # Errors
    /// No command of this program created the user.
    pub async fn drop_reader(&self, user: &str) -> Result<(), StoreError> {
        let known = self.readers().await?;
        let found = known.into_iter().find(|one| one.user == user);
        let found = found.ok_or_else(|| StoreError::OtherUser {
            user: user.to_owned(),
        })?;
        let reader = EnteReader {
            user: found.user,
            password_sha256: String::new(),
            enti: found.enti,
        };
        for statement in access::drop_statements(&self.0.config, &reader) {
            self.0.outside().execute_everywhere(statement).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_program_are_no_readers() {
        for user in ["anna", "Anna_2"] {
            assert!(is_reader_name(user), "{user}");
        }
        for user in [
            "",
            "2anna",
            "anna-b",
            "a`b",
            "affluenza",
            "affluenza_views_x",
        ] {
            assert!(!is_reader_name(user), "{user}");
        }
    }
}
