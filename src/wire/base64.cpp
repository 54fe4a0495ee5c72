#include "wire/base64.hpp"

#include <array>
#include <cstdint>

namespace nsenterd::wire {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kInvalid = 0xFF;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t filled = out.size();
  out.resize(filled + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + filled;
  const auto put = [&to](std::uint32_t group, int characters) {
    for (int i = 0; i < 4; ++i, group <<= 6U)
      *to++ = i < characters ? kAlphabet[(group >> 18U) & 0x3FU] : '=';
  };
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, at += 3) {
    put(static_cast<std::uint32_t>(at[0]) << 16U | static_cast<std::uint32_t>(at[1]) << 8U | at[2], 4);
  }
  if (left == 2) put(static_cast<std::uint32_t>(at[0]) << 16U | static_cast<std::uint32_t>(at[1]) << 8U, 3);
  if (left == 1) put(static_cast<std::uint32_t>(at[0]) << 16U, 2);
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int pending = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kInvalid) return std::nullopt;
    bits = (bits << 6U) | value;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      bytes.push_back(static_cast<char>((bits >> static_cast<unsigned>(pending)) & 0xFFU));
    }
  }
  const std::uint32_t left_over = bits & ((1U << static_cast<unsigned>(pending)) - 1U);
  if (left_over != 0) return std::nullopt;
  return bytes;
}

}  // namespace nsenterd::wire
