//! The exercises of the book, a file a chapter. What is to be done is said over each function, and in the chapter.

#[cfg_attr(feature = "solutions", path = "../solutions/chapter_01.rs")]
pub mod chapter_01;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_02.rs")]
pub mod chapter_02;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_03.rs")]
pub mod chapter_03;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_04.rs")]
pub mod chapter_04;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_05.rs")]
pub mod chapter_05;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_06.rs")]
pub mod chapter_06;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_07.rs")]
pub mod chapter_07;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_08.rs")]
pub mod chapter_08;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_09.rs")]
pub mod chapter_09;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_10.rs")]
pub mod chapter_10;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_11.rs")]
pub mod chapter_11;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_12.rs")]
pub mod chapter_12;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_13.rs")]
pub mod chapter_13;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_14.rs")]
pub mod chapter_14;
#[cfg_attr(feature = "solutions", path = "../solutions/chapter_15.rs")]
pub mod chapter_15;
