//! Files that are damaged.

use super::*;
