//! Changes to a request: in its bytes, and in its items, with honest and with wrong lengths and types.

/// A generator that gives the same numbers for the same seed (SplitMix64).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const STRUCTURE: u8 = 1;
const BATCH_ITEM: u32 = 0x42_000F;
const BATCH_COUNT: u32 = 0x42_000D;

/// An item that may be wrong in any way.
#[derive(Clone)]
pub(super) struct Node {
    tag: u32,
    item_type: u8,
    value: Vec<u8>,
    children: Vec<Node>,
    /// Instead of the true one.
    length: Option<u32>,
}

impl Node {
    /// Reads a valid message.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let (node, rest) = Self::split(bytes);
        assert!(rest.is_empty());
        node
    }

    fn split(bytes: &[u8]) -> (Self, &[u8]) {
        let tag = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        let length = u32::from_be_bytes(bytes[4..8].try_into().unwrap()) as usize;
        let value = &bytes[8..8 + length];
        let mut node = Self {
            tag,
            item_type: bytes[3],
            value: Vec::new(),
            children: Vec::new(),
            length: None,
        };
        if node.item_type == STRUCTURE {
            let mut rest = value;
            while !rest.is_empty() {
                let (child, behind) = Self::split(rest);
                node.children.push(child);
                rest = behind;
            }
        } else {
            node.value = value.to_vec();
        }
        (node, &bytes[8 + length.next_multiple_of(8)..])
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut value = self.value.clone();
        for child in &self.children {
            value.extend(child.write());
        }
        let mut bytes = self.tag.to_be_bytes()[1..].to_vec();
        bytes.push(self.item_type);
        let length = self.length.unwrap_or(value.len() as u32);
        bytes.extend(length.to_be_bytes());
        let padded = value.len().next_multiple_of(8);
        value.resize(padded, 0);
        bytes.extend(value);
        bytes
    }

    fn count(&self) -> usize {
        1 + self.children.iter().map(Self::count).sum::<usize>()
    }

    /// The item of that number, depth first.
    fn nth(&mut self, number: usize) -> &mut Self {
        let mut left = number;
        self.find(&mut left).unwrap()
    }

    fn find(&mut self, left: &mut usize) -> Option<&mut Self> {
        if *left == 0 {
            return Some(self);
        }
        *left -= 1;
        self.children.iter_mut().find_map(|child| child.find(left))
    }

    /// Makes the Batch Count what it should be.
    fn count_items(&mut self) {
        let items = self.children.iter().filter(|child| child.tag == BATCH_ITEM);
        let count = items.count() as u32;
        if let Some(header) = self.children.first_mut()
            && let Some(field) = header
                .children
                .iter_mut()
                .find(|child| child.tag == BATCH_COUNT)
        {
            field.value = count.to_be_bytes().to_vec();
        }
    }
}

/// Values that programs trip over.
fn odd_value(random: &mut Random) -> Vec<u8> {
    match random.below(12) {
        0 => Vec::new(),
        1 => vec![0; 4],
        2 => vec![0xFF; 4],
        3 => vec![0x80, 0, 0, 0],
        4 => vec![0x7F, 0xFF, 0xFF, 0xFF],
        5 => vec![0xFF; 8],
        6 => vec![0x80, 0, 0, 0, 0, 0, 0, 0],
        7 => vec![0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        8 => vec![b'a'; 70_000],
        9 => b"../../../etc/passwd\0".to_vec(),
        10 => vec![0xC3, 0x28, 0xFF, 0xFE],
        _ => random.next().to_be_bytes()[..1 + random.below(8)].to_vec(),
    }
}

/// A changed request. `others`: from which parts are taken.
pub(super) fn mutate(random: &mut Random, request: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut root = Node::read(request);
    for _ in 0..1 + random.below(4) {
        let number = random.below(root.count());
        let other: &Vec<u8> = random.pick(others);
        let other = Node::read(other);
        change(random, &mut root, number, other);
    }
    let mut bytes = root.write();
    // Some are changed below the items as well.
    if random.below(3) == 0 {
        for _ in 0..1 + random.below(6) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.next() as u8,
                _ => bytes[at] = 0xFF,
            }
        }
    }
    if random.below(30) == 0 {
        let end = random.below(bytes.len());
        bytes.truncate(end.max(8));
    }
    bytes
}

fn change(random: &mut Random, root: &mut Node, number: usize, mut other: Node) {
    let foreign = {
        let number = random.below(other.count());
        other.nth(number).clone()
    };
    let batch_items: Vec<Node> = other
        .children
        .iter()
        .filter(|child| child.tag == BATCH_ITEM)
        .cloned()
        .collect();
    let node = root.nth(number);
    match random.below(16) {
        0 => node.length = Some(odd_length(random, node)),
        1 => node.item_type = random.below(14) as u8,
        2 => node.tag = 0x42_0000 + random.below(0x180) as u32,
        3 => node.tag = 0x54_0000 + random.below(0x10) as u32,
        4 | 5 => node.value = odd_value(random),
        // Another code of the same enumeration, another small number.
        6 | 7 if node.value.len() == 4 => {
            node.value = (random.below(0x60) as u32).to_be_bytes().to_vec();
        }
        8 if !node.children.is_empty() => {
            let at = random.below(node.children.len());
            node.children.remove(at);
        }
        9 if !node.children.is_empty() => {
            let child = random.pick(&node.children).clone();
            let times = *random.pick(&[1, 2, 50]);
            node.children.extend(std::iter::repeat_n(child, times));
        }
        10 if node.children.len() > 1 => {
            let (a, b) = (
                random.below(node.children.len()),
                random.below(node.children.len()),
            );
            node.children.swap(a, b);
        }
        11 => *node = foreign,
        12 => {
            let at = random.below(node.children.len() + 1);
            node.children.insert(at, foreign);
            node.item_type = STRUCTURE;
            node.value.clear();
        }
        13 => {
            // Deeper than anything may be.
            for _ in 0..*random.pick(&[3, 40]) {
                let inner = node.clone();
                node.item_type = STRUCTURE;
                node.value.clear();
                node.children = vec![inner];
            }
        }
        _ => {
            root.children.extend(batch_items);
            root.count_items();
        }
    }
}

fn odd_length(random: &mut Random, node: &Node) -> u32 {
    let length = node.write().len() as u32 - 8;
    match random.below(6) {
        0 => 0,
        1 => length.wrapping_sub(1),
        2 => length + 1,
        3 => length + 8,
        4 => 0x7FFF_FFFF,
        _ => 0xFFFF_FFFF,
    }
}
