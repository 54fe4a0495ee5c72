#include "operations/table.hpp"

#include <array>

namespace nsenterd::operations {

// One row a message type: the name of the constant that its file defines.
#define NSENTERD_OPERATIONS(ROW) \
  ROW(kLookup)                   \
  ROW(kOpenFile)                 \
  ROW(kReadFile)                 \
  ROW(kWriteFile)                \
  ROW(kReadDir)                  \
  ROW(kReadLink)                 \
  ROW(kMount)                    \
  ROW(kUmount)                   \
  ROW(kChown)                    \
  ROW(kMountInfo)                \
  ROW(kMountInode)               \
  ROW(kSleep)                    \
  ROW(kSetXattr)                 \
  ROW(kGetXattr)                 \
  ROW(kRemoveXattr)              \
  ROW(kListXattr)                \
  ROW(kUidInfo)                  \
  ROW(kGidInfo)                  \
  ROW(kOpenat2)

#define NSENTERD_DECLARE(name) extern const Operation name;
#define NSENTERD_ADDRESS(name) &(name),

NSENTERD_OPERATIONS(NSENTERD_DECLARE)

namespace {
constexpr std::array kOperations{
    NSENTERD_OPERATIONS(NSENTERD_ADDRESS) static_cast<const Operation*>(nullptr)};
}  // namespace

std::span<const Operation* const> all_operations() noexcept {
  return std::span(kOperations).first(kOperations.size() - 1);
}

const Operation* find_operation(std::string_view request) noexcept {
  for (const Operation* operation : all_operations()) {
    if (operation->request == request) return operation;
  }
  return nullptr;
}

}  // namespace nsenterd::operations
