//! Values as a tree in the order in which they are serialised.

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer,
};
use std::borrow::Cow;

/// A value; the names of fields are not copied.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// Left out.
    Nothing,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Array(Vec<Tree>),
    Table(Vec<(Cow<'static, str>, Tree)>),
}

impl Tree {
    /// The tree of a value, where it has one.
    pub(super) fn of(value: &impl Serialize) -> Option<Self> {
        value.serialize(Builder).ok()
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }
}

/// What no tree is made of.
type Error = serde::de::value::Error;

struct Builder;

/// The entries of an array.
struct Items(Vec<Tree>);

/// The entries of a table, and the key of the next.
struct Entries(Vec<(Cow<'static, str>, Tree)>, Option<Cow<'static, str>>);

impl Entries {
    fn push(&mut self, key: Cow<'static, str>, value: Tree) {
        if value != Tree::Nothing {
            self.0.push((key, value));
        }
    }
}

fn no<T>(what: &str) -> Result<T, Error> {
    Err(Error::custom(format!("{what} has no place in a plan")))
}

impl Serializer for Builder {
    type Ok = Tree;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Impossible<Tree, Error>;
    type SerializeTupleVariant = Impossible<Tree, Error>;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Impossible<Tree, Error>;

    fn serialize_bool(self, value: bool) -> Result<Tree, Error> {
        Ok(Tree::Boolean(value))
    }
    fn serialize_i8(self, value: i8) -> Result<Tree, Error> {
        Ok(Tree::Integer(value.into()))
    }
    fn serialize_i16(self, value: i16) -> Result<Tree, Error> {
        Ok(Tree::Integer(value.into()))
    }
    fn serialize_i32(self, value: i32) -> Result<Tree, Error> {
        Ok(Tree::Integer(value.into()))
    }
    fn serialize_i64(self, value: i64) -> Result<Tree, Error> {
        Ok(Tree::Integer(value))
    }
    fn serialize_u8(self, value: u8) -> Result<Tree, Error> {
        Ok(Tree::Integer(value.into()))
    }
    fn serialize_u16(self, value: u16) -> Result<Tree, Error> {
        Ok(Tree::Integer(value.into()))
    }
    fn serialize_u32(self, value: u32) -> Result<Tree, Error> {
        Ok(Tree::Integer(value.into()))
    }
    fn serialize_u64(self, value: u64) -> Result<Tree, Error> {
        i64::try_from(value).map(Tree::Integer).or_else(|_| no("a number of 64 bits"))
    }
    fn serialize_f32(self, value: f32) -> Result<Tree, Error> {
        Ok(Tree::Float(value.into()))
    }
    fn serialize_f64(self, value: f64) -> Result<Tree, Error> {
        Ok(Tree::Float(value))
    }
    fn serialize_char(self, value: char) -> Result<Tree, Error> {
        Ok(Tree::Text(value.to_string()))
    }
    fn serialize_str(self, value: &str) -> Result<Tree, Error> {
        Ok(Tree::Text(value.to_owned()))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Tree, Error> {
        no("a string of bytes")
    }
    fn serialize_none(self) -> Result<Tree, Error> {
        Ok(Tree::Nothing)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Tree, Error> {
        Ok(Tree::Nothing)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, Error> {
        Ok(Tree::Nothing)
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Tree, Error> {
        Ok(Tree::Text(variant.to_owned()))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Tree, Error> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, Error> {
        Ok(Tree::Table(vec![(variant.into(), value.serialize(self)?)]))
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Items, Error> {
        Ok(Items(Vec::with_capacity(length.unwrap_or(0))))
    }
    fn serialize_tuple(self, length: usize) -> Result<Items, Error> {
        Ok(Items(Vec::with_capacity(length)))
    }
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        no(name)
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        no(name)
    }
    fn serialize_map(self, length: Option<usize>) -> Result<Entries, Error> {
        Ok(Entries(Vec::with_capacity(length.unwrap_or(0)), None))
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Entries, Error> {
        Ok(Entries(Vec::with_capacity(length), None))
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        no(name)
    }
}

impl SerializeSeq for Items {
    type Ok = Tree;
    type Error = Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }
    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Array(self.0))
    }
}

impl serde::ser::SerializeTuple for Items {
    type Ok = Tree;
    type Error = Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Array(self.0))
    }
}

impl SerializeMap for Entries {
    type Ok = Tree;
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let Tree::Text(key) = key.serialize(Builder)? else { return no("such a key") };
        self.1 = Some(key.into());
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = self.1.take().unwrap_or_default();
        self.push(key, value.serialize(Builder)?);
        Ok(())
    }
    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Table(self.0))
    }
}

impl SerializeStruct for Entries {
    type Ok = Tree;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.push(key.into(), value.serialize(Builder)?);
        Ok(())
    }
    fn end(self) -> Result<Tree, Error> {
        Ok(Tree::Table(self.0))
    }
}
