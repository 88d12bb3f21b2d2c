//! Decompression in steps, so that what comes out can be bounded and room for it reserved before the next step.

use std::io::{self, Write as _};

use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Operation as _};

/// What a step gives at most; those of gzip are bounded by its own buffer of about the same size.
const STEP_BYTES: usize = 32 * 1024;

/// The largest window that a zstd frame may ask for, as RFC 9659 has it for HTTP: 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zlib,
    Zstd,
}

impl Encoding {
    /// The names over HTTP.
    pub(crate) const NAMES: [&'static str; 5] = ["", "gzip", "zstd", "zlib", "deflate"];

    /// By its name; none and `identity` are the same.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "" | "identity" => Some(Self::Identity),
            "gzip" => Some(Self::Gzip),
            "zlib" | "deflate" => Some(Self::Zlib),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Decompresses one body.
pub(crate) enum Decoder {
    Identity,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zlib(Zlib),
    Zstd(Zstd),
}

/// Not flate2's own `ZlibDecoder`, which takes a stream that is cut off for a whole one.
pub(crate) struct Zlib {
    decoder: Decompress,
    output: Vec<u8>,
    is_ended: bool,
}

pub(crate) struct Zstd {
    decoder: zstd::stream::raw::Decoder<'static>,
    output: Vec<u8>,
    between_frames: bool,
}

impl Decoder {
    pub(crate) fn new(encoding: Encoding) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Identity => Self::Identity,
            Encoding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Encoding::Zlib => Self::Zlib(Zlib::new()),
            Encoding::Zstd => Self::Zstd(Zstd::new()?),
        })
    }

    /// How many bytes of `input` were taken, and what came out. To be repeated until neither is more than nothing.
    pub(crate) fn step<'a>(&'a mut self, input: &'a [u8]) -> io::Result<(usize, &'a [u8])> {
        match self {
            Self::Identity => Ok((input.len(), input)),
            Self::Gzip(decoder) => {
                decoder.get_mut().clear();
                let taken = decoder.write(input)?;
                Ok((taken, decoder.get_ref()))
            }
            Self::Zlib(decoder) => decoder.step(input),
            Self::Zstd(decoder) => decoder.step(input),
        }
    }

    /// The rest of what comes out; an error when the input ended too early.
    pub(crate) fn finish(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Identity => Ok(&[]),
            Self::Gzip(decoder) => {
                decoder.get_mut().clear();
                decoder.try_finish()?;
                Ok(decoder.get_ref())
            }
            Self::Zlib(decoder) if decoder.is_ended => Ok(&[]),
            Self::Zstd(decoder) if decoder.between_frames => Ok(&[]),
            Self::Zlib(_) | Self::Zstd(_) => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends too early"))
            }
        }
    }
}

impl Zlib {
    fn new() -> Self {
        Self { decoder: Decompress::new(true), output: vec![0; STEP_BYTES], is_ended: false }
    }

    fn step(&mut self, input: &[u8]) -> io::Result<(usize, &[u8])> {
        if self.is_ended {
            return Ok((0, &[]));
        }
        let (in_before, out_before) = (self.decoder.total_in(), self.decoder.total_out());
        let status = self.decoder.decompress(input, &mut self.output, FlushDecompress::None)?;
        self.is_ended = status == Status::StreamEnd;
        let taken = (self.decoder.total_in() - in_before) as usize;
        let written = (self.decoder.total_out() - out_before) as usize;
        Ok((taken, self.output.get(..written).unwrap_or_default()))
    }
}

impl Zstd {
    fn new() -> io::Result<Self> {
        let mut decoder = zstd::stream::raw::Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))?;
        Ok(Self { decoder, output: vec![0; STEP_BYTES], between_frames: true })
    }

    fn step(&mut self, input: &[u8]) -> io::Result<(usize, &[u8])> {
        if input.is_empty() && self.between_frames {
            return Ok((0, &[]));
        }
        let status = self.decoder.run_on_buffers(input, &mut self.output)?;
        self.between_frames = status.remaining == 0;
        Ok((status.bytes_read, self.output.get(..status.bytes_written).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(encoding: Encoding, compressed: &[u8], piece_bytes: usize) -> io::Result<Vec<u8>> {
        let mut decoder = Decoder::new(encoding)?;
        let mut plain = Vec::new();
        for mut input in compressed.chunks(piece_bytes) {
            loop {
                let (taken, output) = decoder.step(input)?;
                let is_bounded = output.len() <= 2 * STEP_BYTES || encoding == Encoding::Identity;
                assert!(is_bounded, "a step gave {} bytes", output.len());
                plain.extend_from_slice(output);
                if taken == 0 && output.is_empty() {
                    break;
                }
                input = &input[taken..];
            }
        }
        plain.extend_from_slice(decoder.finish()?);
        Ok(plain)
    }

    #[test]
    fn what_was_compressed_comes_out_whatever_the_pieces() {
        let plain: Vec<u8> = (0..300_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let zeros = vec![0; 5_000_000];
        for plain in [&plain, &zeros] {
            for (encoding, compressed) in [
                (Encoding::Identity, plain.clone()),
                (Encoding::Gzip, gzip(plain)),
                (Encoding::Zlib, zlib(plain)),
                (Encoding::Zstd, zstd::encode_all(plain.as_slice(), 3).unwrap()),
            ] {
                for piece_bytes in [1000, 16 * 1024, usize::MAX] {
                    assert!(decode(encoding, &compressed, piece_bytes).unwrap() == *plain, "{encoding:?}");
                }
            }
        }
    }

    #[test]
    fn several_members_and_frames_follow_each_other() {
        let members = [gzip(b"one, "), gzip(b"two")].concat();
        assert_eq!(decode(Encoding::Gzip, &members, 3).unwrap(), b"one, two");
        let frames = [zstd::encode_all(&b"one, "[..], 1).unwrap(), zstd::encode_all(&b"two"[..], 1).unwrap()];
        assert_eq!(decode(Encoding::Zstd, &frames.concat(), 3).unwrap(), b"one, two");
    }

    #[test]
    fn what_is_cut_off_or_broken_is_an_error() {
        let plain = b"hello hello hello hello hello";
        for (encoding, mut compressed) in [
            (Encoding::Gzip, gzip(plain)),
            (Encoding::Zlib, zlib(plain)),
            (Encoding::Zstd, zstd::encode_all(&plain[..], 3).unwrap()),
        ] {
            let cut = &compressed[..compressed.len() - 1];
            assert!(decode(encoding, cut, 5).is_err(), "{encoding:?} cut off");
            compressed[0] ^= 0xff;
            assert!(decode(encoding, &compressed, 5).is_err(), "{encoding:?} broken");
        }
    }

    #[test]
    fn a_zstd_frame_that_asks_for_too_large_a_window_is_an_error() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"small").unwrap();
        assert!(decode(Encoding::Zstd, &encoder.finish().unwrap(), 1000).is_err());
    }
}
