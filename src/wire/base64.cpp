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

std::string encode_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int pending = 0;
  for (const char byte : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(byte);
    for (pending += 8; pending >= 6; pending -= 6) {
      text.push_back(kAlphabet[(bits >> static_cast<unsigned>(pending - 6)) & 0x3FU]);
    }
  }
  if (pending > 0) text.push_back(kAlphabet[(bits << static_cast<unsigned>(6 - pending)) & 0x3FU]);
  while (text.size() % 4 != 0) text.push_back('=');
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
