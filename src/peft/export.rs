//! Writing: one module's tensors and the config beside them, measured by the code that writes them.

use super::names::{BIAS, LORA_A, LORA_B, PREFIX};
use super::{adapter_config, decimal, safetensors};
use crate::adapter::view::Adapter;
use crate::error::{Error, Result};
use crate::kernel;
use crate::peft::json::Out;

impl Adapter<'_> {
    pub(crate) fn module_len(&self, module: &str) -> Result<usize> {
        self.check_export(module)?;
        Ok(Out::measure(|out| self.put_safetensors(out, module)))
    }

    pub(crate) fn write_module(&self, module: &str, buffer: &mut [u8]) -> Result<usize> {
        self.check_export(module)?;
        Out::fill(buffer, |out| self.put_safetensors(out, module))
    }

    pub(crate) fn peft_config_len(&self, module: &str, base_model: Option<&str>) -> Result<usize> {
        self.check_export(module)?;
        Ok(Out::measure(|out| adapter_config::write(out, self.header, module, base_model)))
    }

    pub(crate) fn write_peft_config(
        &self,
        module: &str,
        base_model: Option<&str>,
        buffer: &mut [u8],
    ) -> Result<usize> {
        self.check_export(module)?;
        Out::fill(buffer, |out| adapter_config::write(out, self.header, module, base_model))
    }

    /// A name must read back as it is: no quotes, no escapes.
    fn check_export(&self, module: &str) -> Result<()> {
        self.header.check_initialised()?;
        let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if !module.is_empty() && module.bytes().all(plain) {
            return Ok(());
        }
        Err(Error::Syntax { what: "module", problem: "no name, or a quote, backslash or control character" })
    }

    fn put_safetensors(&self, out: &mut Out<'_>, module: &str) {
        let (rank, in_len, out_len) =
            (self.header.rank as usize, self.header.in_len(), self.header.out_len());
        let middle = self.a.len().saturating_mul(4);
        let end = self.b.len().saturating_mul(4).saturating_add(middle);
        safetensors::write_header(out, &|out| {
            out.text("{\"__metadata__\":{\"format\":\"pt\",\"lora_alpha\":\"");
            decimal::write(out, self.header.alpha);
            out.text("\",\"use_rslora\":\"");
            out.boolean(self.header.uses_rslora());
            out.text("\"},");
            put_tensor(out, [PREFIX, module, LORA_A], &[rank, in_len], [0, middle]);
            out.text(",");
            put_tensor(out, [PREFIX, module, LORA_B], &[out_len, rank], [middle, end]);
            if self.header.has_bias() {
                let last = out_len.saturating_mul(4).saturating_add(end);
                out.text(",");
                put_tensor(out, [PREFIX, module, BIAS], &[out_len], [end, last]);
            }
            out.text("}");
        });
        for value in self.a {
            out.bytes(&value.to_le_bytes());
        }
        for o in 0..out_len {
            for row in kernel::rows(self.b, out_len) {
                out.bytes(&row.get(o).copied().unwrap_or_default().to_le_bytes());
            }
        }
        if self.header.has_bias() {
            for (o, bias) in self.bias.iter().enumerate() {
                out.bytes(&self.peft_bias(o, *bias).to_le_bytes());
            }
        }
    }

    /// PEFT adds `s (lora_B A x + bias)`, without a mean: of ours that is `(b - C^T A mu) / s`.
    fn peft_bias(&self, o: usize, bias: f32) -> f32 {
        let header = self.header;
        let mut sum = bias;
        for (row, along) in kernel::rows(self.b, header.out_len()).zip(header.bias.centre) {
            sum -= (header.scaling * along) * row.get(o).copied().unwrap_or_default();
        }
        sum / header.scaling
    }
}

fn put_tensor(out: &mut Out<'_>, name: [&str; 3], shape: &[usize], range: [usize; 2]) {
    out.text("\"");
    for part in name {
        out.text(part);
    }
    out.text("\":{\"dtype\":\"F32\",\"shape\":[");
    put_all(out, shape);
    out.text("],\"data_offsets\":[");
    put_all(out, &range);
    out.text("]}");
}

fn put_all(out: &mut Out<'_>, values: &[usize]) {
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.text(",");
        }
        // The largest adapter there is has 2^25 bytes a matrix.
        out.decimal(*value as u32, 0);
    }
}
