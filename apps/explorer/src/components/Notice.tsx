import { Alert } from '@mantine/core';

/** What went wrong, or is missing, in words. */
export function Notice({
  title,
  children,
  onClose,
}: {
  title: string;
  children: string;
  onClose?: () => void;
}) {
  return (
    <Alert
      role="alert"
      title={title}
      color={onClose ? 'orange' : 'blue'}
      variant="light"
      withCloseButton={onClose !== undefined}
      closeButtonLabel="Close this message"
      onClose={onClose}
      styles={{ message: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' } }}
    >
      {children}
    </Alert>
  );
}
