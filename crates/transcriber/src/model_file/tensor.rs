//! The tensors that a model of given parameters consists of, each with its shape and type.

use std::collections::BTreeMap;

use super::{Parameters, Weights};

/// How the numbers of a tensor are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// The number by which the file names it.
    pub(super) number: i32,
    /// Numbers in a block.
    pub(super) block_numbers: u64,
    /// Bytes of a block.
    pub(super) block_bytes: u64,
}

impl Layout {
    const fn new(number: i32, block_numbers: u64, block_bytes: u64) -> Self {
        Self { number, block_numbers, block_bytes }
    }
}

const F32: Layout = Layout::new(0, 1, 4);
const F16: Layout = Layout::new(1, 1, 2);

impl Weights {
    /// The layout of the large tensors.
    pub(super) const fn layout(self) -> Layout {
        match self {
            Self::F32 => F32,
            Self::F16 => F16,
            Self::Q4_0 => Layout::new(2, 32, 18),
            Self::Q4_1 => Layout::new(3, 32, 20),
            Self::Q5_0 => Layout::new(6, 32, 22),
            Self::Q5_1 => Layout::new(7, 32, 24),
            Self::Q8_0 => Layout::new(8, 32, 34),
            Self::Q2K => Layout::new(10, 256, 84),
            Self::Q3K => Layout::new(11, 256, 110),
            Self::Q4K => Layout::new(12, 256, 144),
            Self::Q5K => Layout::new(13, 256, 176),
            Self::Q6K => Layout::new(14, 256, 210),
        }
    }

    /// The layout of the convolutions, which are never quantized.
    const fn convolution(self) -> Layout {
        match self {
            Self::F32 => F32,
            Self::F16
            | Self::Q4_0
            | Self::Q4_1
            | Self::Q5_0
            | Self::Q5_1
            | Self::Q8_0
            | Self::Q2K
            | Self::Q3K
            | Self::Q4K
            | Self::Q5K
            | Self::Q6K => F16,
        }
    }
}

/// What a tensor must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// Its dimensions, the innermost first.
    pub(super) shape: Vec<u64>,
    /// How its numbers are laid out.
    pub(super) layout: Layout,
}

impl Expected {
    /// Its bytes; none where a row is no whole number of blocks.
    pub(super) fn bytes(&self) -> Option<u64> {
        let Layout { block_numbers, block_bytes, .. } = self.layout;
        let row = self.shape.first()?;
        (row % block_numbers == 0)
            .then(|| self.shape.iter().product::<u64>() / block_numbers * block_bytes)
    }
}

/// The tensors of a model, by name.
pub(super) fn expected(parameters: &Parameters) -> BTreeMap<String, Expected> {
    let mut tensors = Tensors {
        state: u64::from(parameters.state),
        layout: parameters.weights.layout(),
        found: BTreeMap::new(),
    };
    tensors.encoder(parameters);
    tensors.decoder(parameters);
    tensors.found
}

struct Tensors {
    state: u64,
    layout: Layout,
    found: BTreeMap<String, Expected>,
}

impl Tensors {
    fn encoder(&mut self, parameters: &Parameters) {
        let state = self.state;
        let convolution = parameters.weights.convolution();
        let context = u64::from(parameters.audio_context);
        self.put("encoder.positional_embedding", &[state, context], F32);
        let mels = u64::from(parameters.mels);
        self.put("encoder.conv1.weight", &[3, mels, state], convolution);
        self.put("encoder.conv1.bias", &[1, state], F32);
        self.put("encoder.conv2.weight", &[3, state, state], convolution);
        self.put("encoder.conv2.bias", &[1, state], F32);
        self.norm("encoder.ln_post");
        for layer in 0..parameters.audio_layers {
            let block = format!("encoder.blocks.{layer}");
            self.attention(&format!("{block}.attn"));
            self.perceptron(&format!("{block}.mlp"));
        }
    }

    fn decoder(&mut self, parameters: &Parameters) {
        let state = self.state;
        let context = u64::from(parameters.text_context);
        self.put("decoder.positional_embedding", &[state, context], F32);
        let vocabulary = u64::from(parameters.vocabulary);
        self.put("decoder.token_embedding.weight", &[state, vocabulary], self.layout);
        self.norm("decoder.ln");
        for layer in 0..parameters.text_layers {
            let block = format!("decoder.blocks.{layer}");
            self.attention(&format!("{block}.attn"));
            self.attention(&format!("{block}.cross_attn"));
            self.perceptron(&format!("{block}.mlp"));
        }
    }

    fn attention(&mut self, name: &str) {
        let state = self.state;
        self.norm(&format!("{name}_ln"));
        for part in ["query", "key", "value", "out"] {
            self.put(&format!("{name}.{part}.weight"), &[state, state], self.layout);
            if part != "key" {
                self.put(&format!("{name}.{part}.bias"), &[state], F32);
            }
        }
    }

    fn perceptron(&mut self, name: &str) {
        let state = self.state;
        self.norm(&format!("{name}_ln"));
        self.put(&format!("{name}.0.weight"), &[state, 4 * state], self.layout);
        self.put(&format!("{name}.0.bias"), &[4 * state], F32);
        self.put(&format!("{name}.2.weight"), &[4 * state, state], self.layout);
        self.put(&format!("{name}.2.bias"), &[state], F32);
    }

    fn norm(&mut self, name: &str) {
        let state = self.state;
        self.put(&format!("{name}.weight"), &[state], F32);
        self.put(&format!("{name}.bias"), &[state], F32);
    }

    fn put(&mut self, name: &str, shape: &[u64], layout: Layout) {
        self.found.insert(name.to_owned(), Expected { shape: shape.to_vec(), layout });
    }
}
