//! The files of a crate, with the definitions, imports and names in each. Code under `cfg(test)` is left out.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, UseTree, Visibility};
use xshell::Shell;

/// Segments of a path, as written.
pub type Name = Vec<String>;

pub enum Definition {
    Item,
    Module(usize),
    /// The path that this name is imported from.
    Import(Name),
}

pub struct Module {
    pub file: String,
    pub parent: Option<usize>,
    /// More than one definition where targets differ.
    pub names: HashMap<String, Vec<Definition>>,
    /// Imports for the module itself, not re-exports.
    pub imports: Vec<Name>,
    pub globs: Vec<Name>,
    /// Every other path that the code names.
    pub paths: Vec<Name>,
}

/// The modules of a crate; the first is its root.
pub struct Crate(pub Vec<Module>);

impl Crate {
    pub fn read(shell: &Shell, root: &str) -> Result<Self> {
        let mut crate_ = Self(Vec::new());
        let folder = Path::new(root).parent().context("a file is in a folder")?.to_owned();
        crate_.read_file(shell, root, &folder, None)?;
        Ok(crate_)
    }

    fn read_file(
        &mut self,
        shell: &Shell,
        file: &str,
        folder: &Path,
        parent: Option<usize>,
    ) -> Result<usize> {
        let text = shell.read_file(file)?;
        let parsed = syn::parse_file(&text).with_context(|| file.to_owned())?;
        self.add(shell, file, folder, parent, &parsed.items)
    }

    fn add(
        &mut self,
        shell: &Shell,
        file: &str,
        folder: &Path,
        parent: Option<usize>,
        items: &[Item],
    ) -> Result<usize> {
        let index = self.0.len();
        self.0.push(Module {
            file: file.to_owned(),
            parent,
            names: HashMap::new(),
            imports: Vec::new(),
            globs: Vec::new(),
            paths: Vec::new(),
        });
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(declared) => self.add_children(shell, index, folder, declared)?,
                Item::Use(import) => self.0[index].import(import),
                item => {
                    if let Some(name) = defined(item) {
                        self.0[index].define(name, Definition::Item);
                    }
                    Paths(&mut self.0[index]).visit_item(item);
                }
            }
        }
        Ok(index)
    }

    /// One child, or one for each target if the target chooses the file.
    fn add_children(
        &mut self,
        shell: &Shell,
        parent: usize,
        folder: &Path,
        declared: &ItemMod,
    ) -> Result<()> {
        let name = declared.ident.to_string();
        let own = folder.join(&name);
        let file = self.0[parent].file.clone();
        if let Some((_, items)) = &declared.content {
            let child = self.add(shell, &file, &own, Some(parent), items)?;
            self.0[parent].define(name, Definition::Module(child));
            return Ok(());
        }
        // The children of a file named by `path` are beside it; those of any other are in a folder of its name.
        let mut files: Vec<_> = path_attributes(&declared.attrs)
            .map(|path| Path::new(&file).with_file_name(path))
            .map(|file| (file.with_file_name(""), file))
            .collect();
        if files.is_empty() {
            let flat = own.with_extension("rs");
            let file = if shell.path_exists(&flat) { flat } else { own.join("mod.rs") };
            files.push((own, file));
        }
        for (folder, file) in files {
            let child = self.read_file(shell, &normal(&file), &folder, Some(parent))?;
            self.0[parent].define(name.clone(), Definition::Module(child));
        }
        Ok(())
    }
}

impl Module {
    fn define(&mut self, name: String, definition: Definition) {
        self.names.entry(name).or_default().push(definition);
    }

    fn import(&mut self, import: &ItemUse) {
        let is_own = matches!(import.vis, Visibility::Inherited);
        self.tree(&import.tree, Vec::new(), is_own);
    }

    fn tree(&mut self, tree: &UseTree, mut path: Name, is_own: bool) {
        match tree {
            UseTree::Path(next) => {
                path.push(next.ident.to_string());
                self.tree(&next.tree, path, is_own);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(tree, path.clone(), is_own);
                }
            }
            UseTree::Glob(_) => self.globs.push(path),
            UseTree::Name(name) => {
                if name.ident != "self" {
                    path.push(name.ident.to_string());
                }
                let last = path.last().cloned().unwrap_or_default();
                self.bind(last, path, is_own);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                self.bind(rename.rename.to_string(), path, is_own);
            }
        }
    }

    fn bind(&mut self, name: String, path: Name, is_own: bool) {
        if is_own {
            self.imports.push(path.clone());
        }
        self.define(name, Definition::Import(path));
    }

    /// Paths among the tokens of a macro call, since only the macro could parse them.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Name::new();
        let mut colons = 2;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons < 2 {
                        self.paths.push(std::mem::take(&mut path));
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.paths.push(std::mem::take(&mut path));
                    colons = 2;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.paths.push(path);
    }
}

struct Paths<'a>(&'a mut Module);

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.0.tokens(call.tokens.clone());
    }

    fn visit_item_use(&mut self, import: &'ast ItemUse) {
        self.0.import(import);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return attribute.path().is_ident("test") };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

/// The files of `#[path = ".."]` and of `#[cfg_attr(.., path = "..")]`.
fn path_attributes(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter_map(|attribute| {
        let value = match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => pair.value.to_token_stream().to_string(),
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                list.tokens.to_string().rsplit_once("path = ")?.1.to_owned()
            }
            _ => return None,
        };
        Some(value.trim_matches('"').to_owned())
    })
}

fn defined(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        _ => return None,
    };
    Some(ident.to_string())
}

/// As git names it, without `.` and `..`.
pub fn normal(path: &Path) -> String {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = normal.pop(),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal.to_string_lossy().into_owned()
}
