/*
 * Laid over mingw-w64's <ntifs.h>: what its DDK headers lack and the wdk crates or the driver use.
 * Written from the public documentation of each item; used on hosts without a WDK only.
 *
 * Documentation: https://learn.microsoft.com/windows-hardware/drivers/ddi/<header>/<page>
 */
#include_next <ntifs.h>

#ifndef CLONEGUARD_KIT_NTIFS_H
#define CLONEGUARD_KIT_NTIFS_H

/* wdm/nf-wdm-exallocatepool2 (Windows 10 2004). wdk-sys supplies the POOL_FLAG_* values itself. */
typedef ULONG64 POOL_FLAGS;
PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);

/* ntddk/nf-ntddk-psgetprocessstartkey (Windows 10 1703) */
ULONGLONG NTAPI PsGetProcessStartKey(PEPROCESS Process);

/* wdm/nf-wdm-kequerysystemtimeprecise (Windows 8) */
VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime);

/* wdm/ne-wdm-_driver_regkey_type, wdm/nf-wdm-ioopendriverregistrykey (Windows 10 1803) */
typedef enum _DRIVER_REGKEY_TYPE {
    DriverRegKeyParameters,
    DriverRegKeyPersistentState,
    DriverRegKeySharedPersistentState
} DRIVER_REGKEY_TYPE, *PDRIVER_REGKEY_TYPE;
NTSTATUS NTAPI IoOpenDriverRegistryKey(PDRIVER_OBJECT DriverObject, DRIVER_REGKEY_TYPE RegKeyType,
                                       ACCESS_MASK DesiredAccess, ULONG Flags,
                                       PHANDLE DriverRegKey);

#endif
