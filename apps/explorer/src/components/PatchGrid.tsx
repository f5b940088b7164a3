import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react';

export interface PatchGridProps {
  readonly gridSize: readonly [rows: number, columns: number];
  /** What is in the grid, for people who can't see it. */
  readonly label: string;
  readonly children: ReactNode;
  readonly selected?: number;
  readonly isMasked?: (patch: number) => boolean;
  /** A patch was clicked, or the pointer was dragged to it with the button down. */
  readonly onPatch: (patch: number, isFirst: boolean) => void;
  /** The pointer or the focus is on a patch. */
  readonly onHover?: (patch: number) => void;
  readonly describe?: (patch: number) => string;
}

/** A picture as patches that can be pointed at, dragged over, and reached with the arrow keys. */
export function PatchGrid(props: PatchGridProps) {
  const { gridSize, label, children, selected, isMasked, onPatch, onHover, describe } = props;
  const [rows, columns] = gridSize;
  const [focused, setFocused] = useState(selected ?? 0);
  const cells = useRef<HTMLDivElement>(null);
  const last = useRef(-1);
  const current = Math.min(focused, rows * columns - 1);

  const focus = (patch: number) => {
    setFocused(patch);
    cells.current?.querySelector<HTMLElement>(`[data-patch="${patch}"]`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const [row, column] = [Math.floor(current / columns), current % columns];
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, columns - 1],
    }[event.key];
    if (to) {
      event.preventDefault();
      const inside = (value: number, size: number) => Math.max(0, Math.min(size - 1, value));
      focus(inside(to[0]!, rows) * columns + inside(to[1]!, columns));
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onPatch(current, true);
    }
  };

  const patchAt = (event: PointerEvent): number | undefined => {
    const box = cells.current!.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    return row >= 0 && row < rows && column >= 0 && column < columns ? row * columns + column : undefined;
  };
  const onPointer = (event: PointerEvent, isFirst: boolean) => {
    const patch = patchAt(event);
    if (patch === undefined) return;
    if (!isFirst) onHover?.(patch);
    if (event.buttons !== 1 || (!isFirst && patch === last.current)) return;
    last.current = patch;
    setFocused(patch);
    onPatch(patch, isFirst);
  };

  return (
    <div className="patches" style={{ aspectRatio: columns / rows }}>
      {children}
      {/* biome-ignore lint/a11y/useSemanticElements: a table cannot lie over a picture */}
      <div
        ref={cells}
        role="grid"
        tabIndex={-1}
        aria-label={label}
        className="cells"
        style={{ gridTemplate: `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)` }}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => onPointer(event, true)}
        onPointerMove={(event) => onPointer(event, false)}
      >
        {Array.from({ length: rows }, (_, row) => (
          // biome-ignore lint/a11y/useSemanticElements: as above
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its number
          <div key={row} role="row" tabIndex={-1} className="row">
            {Array.from({ length: columns }, (_, column) => {
              const patch = row * columns + column;
              const masked = isMasked?.(patch) ?? false;
              return (
                // biome-ignore lint/a11y/useSemanticElements: as above
                <button
                  key={patch}
                  type="button"
                  role="gridcell"
                  className={masked ? 'cell masked' : 'cell'}
                  data-patch={patch}
                  tabIndex={patch === current ? 0 : -1}
                  aria-selected={patch === selected || (isMasked ? masked : false)}
                  aria-label={`Row ${row + 1}, column ${column + 1}${masked ? ', masked' : ''}${describe ? `, ${describe(patch)}` : ''}`}
                  onFocus={() => {
                    setFocused(patch);
                    onHover?.(patch);
                  }}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}
