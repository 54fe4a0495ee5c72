#include "wire/base64.hpp"

#include <array>
#include <cstdint>

namespace nsenterd::wire {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// Has bits that no value has.
constexpr std::uint8_t kInvalid = 0xFF;
constexpr std::uint32_t kMostValue = 0x3F;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kValues = make_values();

/// Gives each byte to `put`. Whether the text is canonical is known at the end only: a branch for every character would take
/// longer than the rest.
template <class Put>
bool decode(std::string_view text, Put put) noexcept {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::uint32_t seen = 0;
  const auto take = [&](std::size_t i, unsigned shift) {
    const std::uint32_t value = kValues[static_cast<unsigned char>(text[i])];
    seen |= value;
    return value << shift;
  };
  for (; text.size() >= 4; text.remove_prefix(4)) {
    const std::uint32_t group = take(0, 18) | take(1, 12) | take(2, 6) | take(3, 0);
    put(group >> 16U);
    put(group >> 8U);
    put(group);
  }
  std::uint32_t meaningless = 0;
  if (!text.empty()) {
    const std::uint32_t group = take(0, 18) | take(1, 12) | (text.size() == 3 ? take(2, 6) : 0);
    put(group >> 16U);
    if (text.size() == 3) put(group >> 8U);
    meaningless = group & (text.size() == 3 ? 0xFFU : 0xFFFFU);
  }
  return seen <= kMostValue && meaningless == 0;
}

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const std::size_t filled = out.size();
  out.resize(filled + (bytes.size() + 2) / 3 * 4, '=');
  char* to = out.data() + filled;
  const auto put = [&to](std::uint32_t group, unsigned shift) {
    *to++ = kAlphabet[(group >> shift) & 0x3FU];
  };
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, at += 3) {
    const std::uint32_t group =
        static_cast<std::uint32_t>(at[0]) << 16U | static_cast<std::uint32_t>(at[1]) << 8U | at[2];
    put(group, 18);
    put(group, 12);
    put(group, 6);
    put(group, 0);
  }
  if (left == 0) return;
  const std::uint32_t group =
      static_cast<std::uint32_t>(at[0]) << 16U | (left == 2 ? static_cast<std::uint32_t>(at[1]) << 8U : 0);
  put(group, 18);
  put(group, 12);
  if (left == 2) put(group, 6);
}

std::string encode_base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  // Of a text that is too short or too long, nothing is decoded.
  std::string bytes(text.size() / 4 * 3, '\0');
  char* to = bytes.data();
  if (!decode(text, [&to](std::uint32_t byte) { *to++ = static_cast<char>(byte & 0xFFU); }))
    return std::nullopt;
  bytes.resize(static_cast<std::size_t>(to - bytes.data()));
  return bytes;
}

bool is_base64(std::string_view text) noexcept {
  return decode(text, [](std::uint32_t /*byte*/) {});
}

}  // namespace nsenterd::wire
